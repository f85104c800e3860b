from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dedupctl.catalog.catalog import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog, beside whatever the test lays into `tmp_path`."""
    home = tmp_path / "home-of-the-catalog"
    home.mkdir()
    with Catalog.open(home / "catalog.db") as opened:
        yield opened
