from __future__ import annotations

import pytest
from shelf import Shelf

from dedupctl.catalog.catalog import Catalog


@pytest.fixture
def shelf(catalog: Catalog) -> Shelf:
    return Shelf(catalog)
