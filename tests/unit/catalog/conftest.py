from __future__ import annotations

import pytest

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Root


@pytest.fixture
def root(catalog: Catalog) -> Root:
    with catalog.write() as tx:
        return tx.roots.add(b"/photos", device=7, marker="token")
