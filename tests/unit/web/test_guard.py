"""Who is turned away at the door."""

from __future__ import annotations

import pytest
from rendered_library import RenderedLibrary, drawn
from visitor import Visitor

from dedupctl.web.guard import MAX_FORM_BYTES


def stranger(visitor: Visitor) -> Visitor:
    return Visitor(visitor.keys, cookie="")


def test_nothing_is_told_without_the_token(visitor: Visitor) -> None:
    for path in ("/", "/history", "/thumbnail/1", "/static/style.css", "/events", "/?token=", "/?token=guess"):
        answer = stranger(visitor).get(path)
        assert answer.status == 403, path
        assert b"csrf" not in answer.body


def test_the_link_gives_a_cookie_that_no_script_and_no_other_site_can_use(visitor: Visitor) -> None:
    answer = stranger(visitor).get(f"/?token={visitor.keys.token}")
    assert (answer.status, answer.location) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{visitor.keys.cookie}={visitor.keys.session};")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert Visitor(visitor.keys, cookie.partition(";")[0]).get("/").status == 200


def test_the_token_opens_nothing_but_the_entrance(visitor: Visitor) -> None:
    assert stranger(visitor).get(f"/history?token={visitor.keys.token}").status == 403
    assert Visitor(visitor.keys, f"{visitor.keys.cookie}={visitor.keys.token}").get("/").status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_a_foreign_host_is_refused(visitor: Visitor, host: str) -> None:
    assert visitor.get("/", Host=host.format(port=visitor.keys.port)).status == 421


def test_localhost_is_ours_as_well(visitor: Visitor) -> None:
    assert visitor.get("/", Host=f"localhost:{visitor.keys.port}").status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
def test_a_foreign_origin_is_refused(visitor: Visitor, origin: str) -> None:
    foreign = origin.format(port=visitor.keys.port)
    assert visitor.get("/", Origin=foreign).status == 403
    assert visitor.post("/undo", Origin=foreign).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_made_the_browser_send_is_refused(visitor: Visitor, site: str) -> None:
    assert visitor.get("/thumbnail/1", Sec_Fetch_Site=site).status == 403


def test_a_change_needs_its_origin_and_its_token(visitor: Visitor) -> None:
    assert visitor.post("/undo").status == 303
    assert visitor.post("/undo", Origin="").status == 403
    assert visitor.post("/undo", {"csrf": ""}).status == 403
    assert visitor.post("/undo", {"csrf": visitor.keys.session}).status == 403
    assert visitor.post("/undo", {"csrf": "ä"}).status == 403
    assert visitor.post("/undo", Content_Type="text/plain").status == 403
    assert visitor.post("/undo", **{"X-CSRF-Token": "guess"}).status == 403


def test_a_form_without_end_is_not_read(visitor: Visitor) -> None:
    assert visitor.post("/undo", {"filling": "x" * MAX_FORM_BYTES}).status == 413


def test_every_answer_forbids_foreign_content_and_shares_nothing(visitor: Visitor) -> None:
    for answer in (
        visitor.get("/"),
        visitor.get("/nowhere"),
        stranger(visitor).get("/"),
        visitor.get("/static/page.js"),
    ):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert visitor.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/thumbnail/../../etc/passwd",
        "/thumbnail//etc/passwd",
        "/thumbnail/%2e%2e%2f1",
        "/thumbnail/-1",
        "/thumbnail/1.5",
        "/view/999999999999999999999999",
        "/static/../guard.py",
        "/static/..%2fguard.py",
        "/static/%00",
        "/static/",
        "/clusters/1/apply",
    ],
)
def test_a_path_leads_nowhere(library: RenderedLibrary, visitor: Visitor, path: str) -> None:
    library.add_file(b"a.jpg", library.add_content(drawn(1)))
    assert visitor.get(path).status in (404, 405)


@pytest.mark.parametrize("query", ["kind=odd", "root=x", "min_mb=nan", "since=yesterday", "after=1.2", "after=a.b.c"])
def test_an_address_that_no_page_of_ours_writes_is_refused_in_words(visitor: Visitor, query: str) -> None:
    answer = visitor.get(f"/?{query}")
    assert answer.status == 400
    assert "That was not done" in answer.text
