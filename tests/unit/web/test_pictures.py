from __future__ import annotations

import io
import os
import re
from contextlib import closing
from pathlib import Path

import pytest
from living_library import LivingLibrary
from PIL import Image
from rendered_library import RenderedLibrary, drawn
from visitor import Visitor

from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import Config
from dedupctl.domain import Unreadable
from dedupctl.fingerprint.embedder import ModelIdentity
from dedupctl.indexing.workers import Workers
from dedupctl.web.pictures import Pictures
from dedupctl.workspace import Workspace


def test_no_picture_stays_in_a_browsers_cache(library: RenderedLibrary, visitor: Visitor) -> None:
    content_id = library.add_content(drawn(1))
    library.add_file(b"a.jpg", content_id)
    answer = visitor.get(f"/thumbnail/{content_id}")
    assert answer.body.startswith(b"\xff\xd8")
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_what_a_browser_has_kept_is_not_sent_again(visitor: Visitor) -> None:
    first = visitor.get("/static/review.js")
    again = visitor.get("/static/review.js", If_None_Match=first.headers["etag"])
    other = visitor.get("/static/review.js", If_None_Match='"of something else"')
    assert (first.status, again.status, other.status) == (200, 304, 200)
    assert again.body == b""
    assert other.body == first.body


def test_the_files_of_a_page_are_kept_for_good_by_an_address_that_names_what_is_in_them(visitor: Visitor) -> None:
    addresses = re.findall(r'"(/static/[^"]+)"', visitor.get("/").body.decode())
    assert {address.partition("?")[0] for address in addresses} > {"/static/style.css", "/static/page.js"}
    for address in addresses:
        plain, _, tag = address.partition("?")
        assert "immutable" in visitor.get(address).headers["cache-control"]
        assert visitor.get(f"{plain}?{tag[:-1]}").headers["cache-control"] == "no-cache"


@pytest.fixture
def no_decoding_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("decode", "view", "pixels"):
        monkeypatch.setattr(
            f"dedupctl.fingerprint.{module}.open_picture", lambda *_: pytest.fail("decoded in the server")
        )


def add_picture(living: LivingLibrary, root: Path, name: str, picture: Image.Image) -> int:
    """The content id of a picture file that the catalog knows."""
    picture.save(root / name)
    living.scan()
    with living.catalog.read() as tx:
        (at,) = [located.file for located in tx.files.present() if located.path == os.fsencode(root / name)]
    assert at.content_id is not None
    return at.content_id


@pytest.mark.usefixtures("no_decoding_here")
def test_pictures_of_files_are_decoded_in_a_worker(living: LivingLibrary, root: Path, reviewer: Visitor) -> None:
    content_id = add_picture(living, root, "a.png", drawn(1, 320, 240))
    for kind in ("view", "thumbnail"):
        answer = reviewer.get(f"/{kind}/{content_id}")
        assert answer.status == 200
        assert Image.open(io.BytesIO(answer.body)).size == (320, 240)
    assert reviewer.get(f"/exif/{content_id}/{content_id}").status == 200


def test_a_picture_that_takes_too_long_is_not_shown_and_the_next_one_is(
    living: LivingLibrary, root: Path, model: ModelIdentity
) -> None:
    slow = add_picture(living, root, "slow.png", drawn(1, 64, 48).resize((9000, 9000)))
    quick = add_picture(living, root, "quick.png", drawn(2, 64, 48))
    with (
        closing(Thumbs(living.home / "thumbs.db")) as thumbs,
        closing(Workers(Config(), living.catalog.path, count=1, seconds=0.3)) as workers,
    ):
        pictures = Pictures(Workspace(living.home, Config(), living.catalog, thumbs, model, 1), workers)
        refused = pictures.view(slow)
        assert isinstance(refused, Unreadable)
        assert refused.code == "timeout"
        assert isinstance(pictures.view(quick), bytes)
