from __future__ import annotations

from pathlib import Path

import pytest
from walked_library import WalkedLibrary

from dedupctl.catalog.catalog import Catalog


@pytest.fixture
def library(tmp_path: Path, catalog: Catalog) -> WalkedLibrary:
    return WalkedLibrary(catalog, tmp_path / "library")
