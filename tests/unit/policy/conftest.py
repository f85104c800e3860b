from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living_library import LivingLibrary


@pytest.fixture
def library(tmp_path: Path, empty_catalog: Path) -> Iterator[LivingLibrary]:
    one = LivingLibrary(tmp_path, empty_catalog)
    yield one
    one.close()


@pytest.fixture
def root(library: LivingLibrary) -> Path:
    return library.add_root("photos")
