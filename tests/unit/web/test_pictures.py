from __future__ import annotations

import re

import pytest
from rendered_library import RenderedLibrary, drawn
from visitor import Visitor


@pytest.mark.parametrize("kind", ["thumbnail", "static"])
def test_what_a_browser_has_kept_is_not_sent_again(library: RenderedLibrary, visitor: Visitor, kind: str) -> None:
    content_id = library.add_content(drawn(1))
    library.add_file(b"a.jpg", content_id)
    address = f"/thumbnail/{content_id}" if kind == "thumbnail" else "/static/review.js"
    first = visitor.get(address)
    again = visitor.get(address, If_None_Match=first.headers["etag"])
    other = visitor.get(address, If_None_Match='"of something else"')
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


def test_every_picture_has_a_tag_of_its_own(library: RenderedLibrary, visitor: Visitor) -> None:
    ids = [library.add_content(drawn(seed)) for seed in (1, 2)]
    tags = {visitor.get(f"/thumbnail/{content_id}").headers["etag"] for content_id in ids}
    assert len(tags) == 2
