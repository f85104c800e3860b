from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from dedupctl.report.listing import Heading, Listing, wrapped

PATHS = ("/photos/2019/holidays/the beach.jpg", "/backup/phone/2019/the beach.jpg")


def printed(listing: Listing, width: int) -> list[str]:
    out = Console(file=StringIO(), width=width, no_color=True, force_terminal=False)
    out.print(listing)
    assert isinstance(out.file, StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def of_paths(*totals: str) -> Listing:
    made = Listing.of(Heading("size", right=True, total="".join(totals)), "file", "kept copy")
    made.add("8 kB", *PATHS)
    return made


def test_rows_stand_under_their_headings_where_there_is_room() -> None:
    header, row, total = printed(of_paths("16 kB"), 100)
    assert header.split() == ["size", "file", "kept", "copy"]
    assert row.split("  ") == [" 8 kB", *PATHS]
    assert total == "16 kB"


def test_a_narrow_terminal_has_each_value_beside_its_heading() -> None:
    assert printed(of_paths(), 36) == [
        "size       8 kB",
        "file       /photos/2019/holidays/the",
        "           beach.jpg",
        "kept copy  /backup/phone/2019/the",
        "           beach.jpg",
    ]
    assert printed(of_paths("16 kB"), 36)[-2:] == ["", "size       16 kB"]


@pytest.mark.parametrize("width", [12, 36, 100])
def test_a_cell_is_text_at_any_width(width: int) -> None:
    made = Listing.of("file")
    made.add("[red]x[/red]")
    assert "[red]x[/red]" in "".join(printed(made, width))


def test_an_empty_listing_has_its_headings() -> None:
    assert printed(Listing.of("size", "file"), 100) == ["size  file"]


LONG = "/photos/a very long year/holidays_at_the_sea/2019-08-14_beach_in_the_evening.jpg"


@pytest.mark.parametrize("width", range(46, 130))
def test_no_width_breaks_a_path_within_a_word(width: int) -> None:
    made = Listing.of(Heading("size", right=True), "file", "kept copy", "because")
    made.add("8 kB", LONG, PATHS[1], "it has more pixels, and its name is shorter")
    lines = printed(made, width)
    assert max(map(len, lines)) <= width
    pieces = {piece for line in lines for piece in re.split(r"[\s/]+", line)}
    words = {
        word
        for text in (LONG, *PATHS[1:], "it has more pixels, and its name is shorter")
        for word in re.split(r"[\s/]+", text)
    }
    assert words <= pieces


def test_a_word_longer_than_the_line_is_all_there() -> None:
    made = Listing.of("file")
    made.add("/photos/" + "x" * 50)
    assert "".join(printed(made, 20)).replace(" ", "").endswith("/photos/" + "x" * 50)


def test_styles_outlive_the_wrapping() -> None:
    text = wrapped(Text.assemble(("/photos/", "red"), "a.jpg"), 9)
    assert text.plain == "/photos/\na.jpg"
    assert [(span.start, span.style) for span in text.spans] == [(0, "red")]
