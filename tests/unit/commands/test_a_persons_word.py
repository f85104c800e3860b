"""What a person says by a command is on the disk when the command returns: nobody says it twice after a power cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from living_library import LivingLibrary, picture
from syncing import FULL, recorded_changes
from typer.testing import CliRunner

from dedupctl.cli import app


@pytest.fixture
def photos(library: LivingLibrary) -> Path:
    folder = library.add_root("photos")
    (folder / "a.jpg").write_bytes(picture(1))
    (folder / "b.jpg").write_bytes(picture(2))
    library.scan()
    return folder


def say(library: LivingLibrary, *arguments: str | Path) -> None:
    told = CliRunner().invoke(app, ["--home", str(library.home), *map(str, arguments)], catch_exceptions=False)
    assert told.exit_code == 0, told.output


def test_a_verdict_is_durable(library: LivingLibrary, photos: Path) -> None:
    with recorded_changes("verdicts") as changes:
        say(library, "verdict", photos / "a.jpg", photos / "b.jpg", "same")

    assert changes == [("verdicts", FULL)]


def test_a_protection_and_its_end_are_durable(library: LivingLibrary, photos: Path) -> None:
    with recorded_changes("protected_paths") as changes:
        say(library, "protect", photos / "a.jpg")
        say(library, "unprotect", photos / "a.jpg")

    assert changes == [("protected_paths", FULL)] * 2


def test_a_root_and_its_end_are_durable(library: LivingLibrary, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with recorded_changes("roots") as changes:
        say(library, "roots", "add", tmp_path / "archive")
        say(library, "roots", "add", tmp_path / "archive", "--reference")
        say(library, "roots", "remove", tmp_path / "archive")

    assert changes == [("roots", FULL)] * 3
