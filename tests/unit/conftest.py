from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from living_library import LivingLibrary

from dedupctl.catalog.catalog import Catalog


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog to copy: building one by its migrations takes most of a short test."""
    path = tmp_path_factory.mktemp("template") / "catalog.db"
    Catalog.open(path).close()
    return path


@pytest.fixture
def catalog(tmp_path: Path, empty_catalog: Path) -> Iterator[Catalog]:
    """An empty catalog, beside whatever the test lays into `tmp_path`."""
    home = tmp_path / "home-of-the-catalog"
    home.mkdir()
    shutil.copy(empty_catalog, home)
    with Catalog.open(home / "catalog.db") as opened:
        yield opened


@pytest.fixture
def library(tmp_path: Path, empty_catalog: Path) -> Iterator[LivingLibrary]:
    one = LivingLibrary(tmp_path, empty_catalog)
    yield one
    one.close()


@pytest.fixture
def root(library: LivingLibrary) -> Path:
    return library.add_root("photos")
