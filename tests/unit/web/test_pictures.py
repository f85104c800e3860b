from __future__ import annotations

import re

from rendered_library import RenderedLibrary, drawn
from visitor import Visitor


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
