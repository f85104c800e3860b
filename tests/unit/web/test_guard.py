"""Who is turned away at the door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture
from rendered_library import RenderedLibrary, drawn
from visitor import Visitor, wait_until

from dedupctl.web.forms import MAX_FORM_BYTES


def stranger(visitor: Visitor) -> Visitor:
    return Visitor(visitor.keys, cookie="")


def test_nothing_is_told_without_the_token(visitor: Visitor) -> None:
    for path in ("/", "/history", "/thumbnail/1", "/static/style.css", "/events", "/?token=", "/?token=guess"):
        for answer in (stranger(visitor).get(path), stranger(visitor).outside(path), visitor.outside(path)):
            assert answer.status == 403, path
            assert b"csrf" not in answer.body


def test_every_address_of_every_page_stands_below_the_base(
    reviewer: Visitor, living: LivingLibrary, root: Path
) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (root / name).write_bytes(picture(1))
    living.scan()
    wait_until(lambda: 'class="tile"' in reviewer.get("/").text)
    (cluster,) = re.findall(r'class="tile"[^>]*href="([^"?]+)', reviewer.get("/").text)
    page = reviewer.get(cluster).text
    chosen = {name: re.findall(f'name="{name}" value="([^"]+)', page)[:1] for name in ("keeper", "remove")}
    assert reviewer.post(f"{cluster}/apply", chosen).status == 303
    for path in ("/", cluster, "/history", "/search", "/dashboard", "/clusters/999", "/?kind=odd"):
        text = reviewer.raw(path)
        addresses = re.findall(r'(?:href|src|action|formaction|data-view|data-thumbnail)="([^"#]+)"', text)
        assert len(addresses) > 5, path
        assert [one for one in addresses if not one.startswith(f"{reviewer.keys.base}/")] == [], path


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
    assert visitor.post("/undo", {"csrf": visitor.keys.token.value}).status == 403
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
