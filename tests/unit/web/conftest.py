from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living_library import LivingLibrary, empty_catalog
from rendered_library import RenderedLibrary
from visitor import Visitor, workspace_of

from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import Config
from dedupctl.fingerprint.embedder import ModelIdentity, identify_model
from dedupctl.web.server import serving


@pytest.fixture(scope="session")
def model() -> ModelIdentity:
    return identify_model(Config().model)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_catalog(tmp_path_factory.mktemp("template"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[RenderedLibrary]:
    """Drawn pictures with thumbnails, and no files."""
    made = RenderedLibrary(tmp_path)
    yield made
    made.close()


@pytest.fixture
def visitor(library: RenderedLibrary, model: ModelIdentity) -> Iterator[Visitor]:
    """Somebody who has opened the page of `library`."""
    with serving(workspace_of(library.home, library.catalog, library.thumbs, model)) as keys:
        yield Visitor(keys)


@pytest.fixture
def living(tmp_path: Path, template: Path) -> Iterator[LivingLibrary]:
    """Real files without thumbnails."""
    made = LivingLibrary(tmp_path, template)
    yield made
    made.close()


@pytest.fixture
def root(living: LivingLibrary) -> Path:
    return living.add_root("photos")


@pytest.fixture
def reviewer(living: LivingLibrary, model: ModelIdentity) -> Iterator[Visitor]:
    """Somebody who has opened the page of `living`."""
    thumbs = Thumbs(living.home / "thumbs.db")
    try:
        with serving(workspace_of(living.home, living.catalog, thumbs, model)) as keys:
            yield Visitor(keys)
    finally:
        thumbs.close()
