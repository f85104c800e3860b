"""`find` and `explain` never decode a file in their own process: a decoder bomb would take the whole program."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rendered_library import drawn
from typer.testing import CliRunner

from dedupctl.cli import app
from dedupctl.indexing.pipeline import Listeners
from dedupctl.indexing.roots import scan_targets
from dedupctl.indexing.visit import scan_library
from dedupctl.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A library of two drawings."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in (1, 2):
        drawn(seed, 320, 240).save(photos / f"{seed}.png")
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        wanted = scan_targets(workspace.catalog, [os.fsencode(photos)])
        scan_library(workspace, wanted, Listeners(), lambda *_: None, lambda _: None)
    return tmp_path / "home"


@pytest.fixture
def no_decoding_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("decode", "view", "pixels"):
        monkeypatch.setattr(
            f"dedupctl.fingerprint.{module}.open_picture", lambda *_: pytest.fail("decoded in this process")
        )


def answer(home: Path, *arguments: str | Path) -> Any:
    result = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("no_decoding_here")
def test_find_decodes_in_a_worker(home: Path, tmp_path: Path) -> None:
    drawn(2, 320, 240).save(tmp_path / "asked.bmp")
    match = answer(home, "find", tmp_path / "asked.bmp")["matches"][0]
    assert match["path"].endswith("/2.png")
    assert match["kind"] == "pixel"


@pytest.mark.usefixtures("no_decoding_here")
def test_explain_decodes_in_a_worker(home: Path, tmp_path: Path) -> None:
    (home / "thumbs.db").unlink()
    with closing(sqlite3.connect(home / "catalog.db")) as catalog, catalog:
        catalog.execute("DELETE FROM pairs")
    one, other = (tmp_path / "photos" / f"{seed}.png" for seed in (1, 2))
    assert answer(home, "explain", one, other)["kind"] in {None, "similar"}


def test_find_gives_up_a_picture_that_takes_too_long(home: Path, tmp_path: Path) -> None:
    (home / "config.toml").write_text("[scan]\ndecode_seconds = 0.05\n")
    drawn(3, 64, 48).resize((6000, 6000)).save(tmp_path / "slow.png")
    result = CliRunner().invoke(app, ["--home", str(home), "find", str(tmp_path / "slow.png")])
    assert result.exit_code == 1
    assert "as a picture: timeout" in result.stderr
