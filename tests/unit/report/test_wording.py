from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupctl.report.formats import csv_line
from dedupctl.report.wording import csv_cell, folder_and_name, markdown, shown, size


@given(st.binary())
def test_any_bytes_are_shown_as_printable_text_that_can_be_written_as_utf8(name: bytes) -> None:
    text = shown(name).replace("\u200d", "")
    assert text.isprintable()
    assert text.encode().decode() == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Grüße 東京.jpg".encode(), "Grüße 東京.jpg"),
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),
        ("evil\u202egpj.exe".encode(), r"evil\u202egpj.exe"),
        (b"two\nlines\x1b[31m", r"two\x0alines\x1b[31m"),
        ("family 👨‍👩‍👧.jpg".encode(), "family 👨‍👩‍👧.jpg"),
    ],
)
def test_names_keep_every_script_but_spell_out_what_cannot_be_seen(name: bytes, text: str) -> None:
    assert shown(name) == text


def test_a_path_is_shown_as_folder_and_name() -> None:
    assert folder_and_name(b"/a/b/c.jpg") == ("/a/b", "c.jpg")
    assert folder_and_name(b"/c.jpg") == ("/", "c.jpg")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_no_cell_as_a_formula(text: str) -> None:
    (cells,) = csv.reader(StringIO(csv_line([text, 12]), newline=""))
    assert cells[0][0] == "'"
    assert cells[1] == "12"


def test_ordinary_cells_are_left_alone() -> None:
    assert [csv_cell(cell) for cell in ("IMG_1.jpg", -3, None)] == ["IMG_1.jpg", "-3", ""]


def test_nothing_in_a_name_is_markdown() -> None:
    assert markdown("a|b](http://x) <i>`") == r"a\|b\]\(http://x\) \<i\>\`"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (8_100, "8.1 kB"),
        (12_400_000, "12.4 MB"),
        (1.02e12, "1.0 TB"),
    ],
)
def test_sizes_have_few_digits(count: int, text: str) -> None:
    assert size(int(count)) == text
