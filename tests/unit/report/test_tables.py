from __future__ import annotations

from io import StringIO

import pytest
from rendered_library import RenderedLibrary, drawn
from rich.console import Console, RenderableType

from dedupctl.domain import PairKind
from dedupctl.report.documents import problems_as_json
from dedupctl.report.report_facts import FileProblem, gather_facts
from dedupctl.report.tables import clusters_table, library_table, problems_table, roots_table


def printed(table: RenderableType, width: int = 100) -> str:
    out = Console(file=StringIO(), width=width, no_color=True, force_terminal=False)
    out.print(table)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue()


def filled(library: RenderedLibrary, name: bytes = b"b.jpg") -> None:
    content, edit = library.add_content(drawn(1)), library.add_content(drawn(2), size=3_000, scale=1)
    library.add_file(b"a.jpg", content)
    library.add_file(name, content)
    library.add_file(b"edit.jpg", edit)
    library.add_pair(content, edit, PairKind.NEAR, 0.91)


def test_clusters_end_with_totals(library: RenderedLibrary) -> None:
    filled(library)
    text = printed(clusters_table(gather_facts(library.catalog).clusters))
    assert "keep" in text
    assert "91 %" in text
    assert "1 cluster, 103 kB to free (exact 100 kB, near 3.0 kB)" in text


def test_the_limit_says_what_it_hides(library: RenderedLibrary) -> None:
    filled(library)
    assert "1 more cluster not shown" in printed(clusters_table(gather_facts(library.catalog).clusters, limit=0))


@pytest.mark.parametrize("width", [20, 40, 200])
def test_names_are_neither_markup_nor_escapes_at_any_width(library: RenderedLibrary, width: int) -> None:
    filled(library, b"[red]x[/red]\x1b[2J\xff.jpg")
    text = printed(clusters_table(gather_facts(library.catalog).clusters), width)
    squeezed = "".join(text.split())
    assert "\x1b" not in text
    assert "[red]x[/red]" in squeezed or width == 20
    assert all(len(line) <= width for line in text.splitlines())


def test_a_narrow_terminal_shows_a_path_below_what_it_is(library: RenderedLibrary) -> None:
    filled(library, b"a rather long name.jpg")
    clusters = gather_facts(library.catalog).clusters
    lines = [line.rstrip() for line in printed(clusters_table(clusters), 40).splitlines()]
    assert "  /photos/a rather long name.jpg" in lines
    assert "100 kB" in next(line for line in printed(clusters_table(clusters), 90).splitlines() if "rather" in line)


def test_an_offline_root_says_why(library: RenderedLibrary) -> None:
    filled(library)
    facts = gather_facts(library.catalog).library
    assert "offline: not mounted" in printed(roots_table(facts.roots, {library.root_id: "not mounted"}))
    assert "online" in printed(roots_table(facts.roots, {}))


def test_the_status_tells_what_each_kind_would_free(library: RenderedLibrary) -> None:
    filled(library)
    text = printed(library_table(gather_facts(library.catalog).library))
    assert "exact to free" in text
    assert "103 kB" in text


def test_problems_are_listed_with_their_reasons() -> None:
    found = [FileProblem(b"/p/\xff.jpg", "truncated", "the file ends too early")]
    assert r"/p/\xff.jpg" in printed(problems_table(found))
    assert problems_as_json(found) == {
        "errors": [{"path": "/p/\udcff.jpg", "reason": "truncated: the file ends too early"}]
    }
