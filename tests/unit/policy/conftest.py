from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living_library import LivingLibrary, empty_catalog


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_catalog(tmp_path_factory.mktemp("template"))


@pytest.fixture
def library(tmp_path: Path, template: Path) -> Iterator[LivingLibrary]:
    one = LivingLibrary(tmp_path, template)
    yield one
    one.close()


@pytest.fixture
def root(library: LivingLibrary) -> Path:
    return library.add_root("photos")
