from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rendered_library import RenderedLibrary, drawn, words

from dedupctl.domain import Evidence, PairKind
from dedupctl.errors import DedupctlError
from dedupctl.report.options import ReportFormat, ReportOptions, ReportSummary
from dedupctl.report.page import MEMBERS_SHOWN, content_security_policy
from dedupctl.report.writing import (
    write_map_csv,
    write_map_picture,
    write_report,
)


def written(library: RenderedLibrary, target: Path, options: ReportOptions | None = None) -> ReportSummary:
    return write_report(
        library.catalog,
        library.thumbs,
        target,
        model_id=library.model_id,
        options=options or ReportOptions(with_map=False),
        progress=lambda _stage, _done, _total: None,
        explain=words,
    )


def exact_pairs(library: RenderedLibrary, count: int, side: int = 256) -> None:
    for seed in range(count):
        content = library.add_content(drawn(seed, side, side), size=1_000 * (count - seed))
        library.add_file(f"{seed} first.jpg".encode(), content)
        library.add_file(f"{seed} second.jpg".encode(), content)


class Tags(HTMLParser):
    """The elements and attributes a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_shows_clusters_by_saving_with_thumbnails_and_the_keeper(
    library: RenderedLibrary, tmp_path: Path
) -> None:
    exact_pairs(library, 3)
    summary = written(library, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert re.findall(r'id="cluster-(\d+)"', page) == ["1", "2", "3"]
    assert page.count("data:image/jpeg;base64,") == 6
    assert page.count('<span class="badge keep">') == 3
    assert "Exact, says the test." in page
    assert (summary.clusters_shown, summary.clusters_left_out) == (3, 0)
    assert summary.size == (tmp_path / "r.html").stat().st_size


def test_the_page_refers_to_nothing_outside_itself(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 4)
    written(library, tmp_path / "r.html", ReportOptions())
    tags = Tags((tmp_path / "r.html").read_text()).found
    addresses = [value for _, names in tags for name, value in names.items() if name in ("src", "href") and value]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)


def test_only_the_scripts_named_by_digest_may_run(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 4)
    written(library, tmp_path / "r.html", ReportOptions())
    page = (tmp_path / "r.html").read_text()
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 3
    policy = next(names["content"] for tag, names in Tags(page).found if "http-equiv" in names)
    assert policy == content_security_policy(scripts)
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize(
    "name",
    [
        b"<script>alert(1)<!-- .jpg",
        b"\"'><img src=x onerror=alert(1)>.jpg",
        b"{{ 7 * 7 }}{% raw %}.jpg",
        b"\xff\xfebad",
        "<title>\u202egpj.exe".encode(),
        b"javascript:alert(1).jpg",
    ],
)
def test_a_hostile_name_stays_text(library: RenderedLibrary, tmp_path: Path, name: bytes) -> None:
    content = library.add_content(drawn(1), camera="</p><script>alert(2)</script>")
    for path in (name, b"folder " + name + b"/b.jpg", b"c.jpg"):
        library.add_file(path, content)
    for seed in (2, 3):
        library.add_file(b"%d " % seed + name, library.add_content(drawn(seed)))
    library.add_problem(b"broken " + name, "truncated", "<b>" + name.decode(errors="replace"))
    library.add_root(b"/root/" + name)
    written(library, tmp_path / "hostile.html", ReportOptions())
    tags = Tags((tmp_path / "hostile.html").read_text(encoding="utf-8")).found
    assert {tag for tag, _ in tags} <= KNOWN_TAGS
    assert not any(attribute.startswith("on") for _, names in tags for attribute in names)
    assert sum(tag == "script" for tag, _ in tags) == 4


KNOWN_TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body", "a", "header", "nav", "main", "section", "footer"),
    *("h1", "h2", "h3", "p", "span", "strong", "code", "kbd", "ul", "ol", "li", "div", "article", "img", "svg", "g"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "form", "fieldset", "legend", "label", "input"),
    *("select", "option", "output", "script", "polygon", "line", "button", "canvas", "noscript"),
}


def test_the_file_stays_under_its_size_and_says_what_it_left_out(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 60)
    summary = written(library, tmp_path / "r.html", ReportOptions(with_map=False, max_bytes=260_000))
    page = (tmp_path / "r.html").read_text()
    assert summary.size < 260_000
    assert 0 < summary.clusters_shown < 60
    assert f"{summary.clusters_left_out} clusters with {2 * summary.clusters_left_out} files" in page


def test_thumbnails_shrink_before_clusters_are_left_out(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 20)
    whole = written(library, tmp_path / "whole.html")
    smaller = written(library, tmp_path / "small.html", ReportOptions(with_map=False, max_bytes=whole.size * 3 // 4))
    assert smaller.clusters_left_out == 0
    assert smaller.size < whole.size * 3 // 4


def test_the_limit_is_kept_and_told(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 5)
    summary = written(library, tmp_path / "r.html", ReportOptions(with_map=False, limit=2))
    assert (summary.clusters_shown, summary.clusters_left_out) == (2, 3)
    assert "3 clusters with 6 files" in (tmp_path / "r.html").read_text()


def test_a_picture_in_a_hundred_places_is_told_by_number(library: RenderedLibrary, tmp_path: Path) -> None:
    content = library.add_content(drawn(1))
    for number in range(100):
        library.add_file(f"{number}.jpg".encode(), content)
    written(library, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count('<li class="member') == MEMBERS_SHOWN
    assert f"and {100 - MEMBERS_SHOWN} more files" in page


def test_nothing_in_a_similar_group_is_to_keep_or_to_remove(library: RenderedLibrary, tmp_path: Path) -> None:
    one, other = library.add_content(drawn(1)), library.add_content(drawn(2))
    library.add_file(b"1.jpg", one)
    library.add_file(b"2.jpg", other)
    library.add_pair(one, other, PairKind.SIMILAR, 0.7, Evidence(method="vector", cosine=0.7))
    written(library, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "Similar, not duplicates" in page
    assert "badge keep" not in page
    assert "No duplicates found" in page


def test_a_missing_thumbnail_leaves_a_gap_not_an_error(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 1)
    library.thumbs.put(dict.fromkeys(_digests(library), b"no picture"))
    written(library, tmp_path / "broken.html", ReportOptions(max_bytes=100_000))
    library.thumbs.close()
    (library.home / "thumbs.db").unlink()
    library.__dict__["thumbs"] = type(library.thumbs)(library.home / "thumbs.db")
    written(library, tmp_path / "missing.html")
    assert "No thumbnail stored" in (tmp_path / "missing.html").read_text()


def test_an_empty_library_has_a_report(library: RenderedLibrary, tmp_path: Path) -> None:
    for form in ReportFormat:
        written(library, tmp_path / f"r.{form.value}", ReportOptions(format=form))
        assert (tmp_path / f"r.{form.value}").stat().st_size > 0
    assert "The library is empty" in (tmp_path / "r.html").read_text()


def test_the_second_report_marks_the_new_cluster(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 1)
    written(library, tmp_path / "first.html")
    content = library.add_content(drawn(77))
    library.add_file(b"x.jpg", content)
    library.add_file(b"y.jpg", content)
    written(library, tmp_path / "second.html")
    assert "Since the last report" not in (tmp_path / "first.html").read_text()
    page = (tmp_path / "second.html").read_text()
    assert page.count('<span class="badge new">') == 1


def test_a_place_that_cannot_be_written_is_one_clear_line_and_is_not_remembered(
    library: RenderedLibrary, tmp_path: Path
) -> None:
    exact_pairs(library, 1)
    with pytest.raises(DedupctlError, match=r"cannot write .*nowhere"):
        written(library, tmp_path / "nowhere" / "r.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(DedupctlError, match="cannot write"):
        written(library, tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "taken"]
    with library.catalog.read() as tx:
        assert tx.meta.get("last_report") is None


def test_the_map_is_written_as_picture_and_as_table(library: RenderedLibrary, tmp_path: Path) -> None:
    exact_pairs(library, 9, side=64)
    quiet = {"model_id": library.model_id, "progress": lambda _stage, _done, _total: None}
    assert write_map_picture(library.catalog, library.thumbs, tmp_path / "map.png", **quiet) == 9
    assert write_map_csv(library.catalog, tmp_path / "map.csv", **quiet) == 9
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "map.csv").read_text().splitlines()) == 10


def _digests(library: RenderedLibrary) -> list[bytes]:
    with library.catalog.read() as tx:
        return [content.digest for content in tx.contents.get(range(1, 100)).values()]
