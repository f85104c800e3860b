from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered_library import RenderedLibrary


@pytest.fixture
def library(tmp_path: Path) -> Iterator[RenderedLibrary]:
    home = tmp_path / "home"
    home.mkdir()
    made = RenderedLibrary(home)
    yield made
    made.close()
