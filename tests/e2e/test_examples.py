"""The examples in `examples/`, run as a reader runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scenery import scene

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        scene(number).save(folder / f"{number}.jpg")
    (folder / "0 copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    return folder


def run(*command: str | Path, **environment: str) -> str:
    answer = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=os.environ | environment, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_find_copies_prints_every_copy_of_the_picture(photos: Path) -> None:
    printed = run(EXAMPLES / "find_copies.py", photos, photos / "0.jpg")
    kinds = [line.split()[0] for line in printed.splitlines()]
    assert kinds[:2] == ["exact", "exact"]
    assert "near" not in kinds


def test_remove_exact_copies_removes_one_and_puts_it_back(photos: Path) -> None:
    before = sorted(path.name for path in photos.iterdir() if path.suffix == ".jpg")
    printed = run(EXAMPLES / "remove_exact_copies.py", photos)
    assert printed.splitlines()[-2:] == ["1 removed", "1 restored"]
    assert sorted(path.name for path in photos.iterdir() if path.suffix == ".jpg") == before


def test_the_notebook_runs_from_the_first_cell_to_the_last(photos: Path, tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "nearest_pictures.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    script = tmp_path / "cells.py"
    # The workers of a scan import the main module again, which a notebook does not do.
    script.write_text("if __name__ == '__main__':\n" + "\n".join(f"    {x}" for c in cells for x in c.split("\n")))
    printed = run(script, PHOTOS=str(photos))
    assert "4 files seen, 4 new" in printed
    assert "content_id" in printed
