from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

TOOL = Path(__file__).parents[2] / "tools" / "sample_library.py"


def lay_out(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "library"
    made = lay_out(folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def truth(library: Path) -> list[dict[str, str]]:
    with (library / "truth.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_it_has_about_forty_pictures_and_copies_of_every_kind(library: Path, truth: list[dict[str, str]]) -> None:
    pictures = {str(path.relative_to(library)) for path in library.rglob("*.*")} - {"truth.csv"}
    assert 35 <= len(pictures) <= 45
    assert {row["kind"] for row in truth} == {"exact", "pixel", "near", "similar"}
    assert {row[column] for row in truth for column in ("file", "made from")} <= pictures


def test_exact_copies_have_the_same_bytes_and_no_others_do(library: Path, truth: list[dict[str, str]]) -> None:
    for row in truth:
        same_bytes = (library / row["file"]).read_bytes() == (library / row["made from"]).read_bytes()
        assert same_bytes == (row["kind"] == "exact"), row


def test_pixel_copies_show_the_same_pixels_and_near_ones_do_not(library: Path, truth: list[dict[str, str]]) -> None:
    for row in truth:
        with Image.open(library / row["file"]) as copy, Image.open(library / row["made from"]) as source:
            same_size = copy.size == source.size
            same = same_size and not ImageChops.difference(copy.convert("RGB"), source.convert("RGB")).getbbox()
        assert same == (row["kind"] in {"exact", "pixel"}), row


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    refused = lay_out(tmp_path)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jpg"]
