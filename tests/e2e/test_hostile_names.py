"""Files, folders and words with names that mean to do something to a terminal or a log, in every command.

In this process, because starting one for each of so many commands would take most of the time; the daemon is one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import Result
from rendered_library import drawn
from running import await_true, command, rows
from typer.testing import CliRunner

from dedupctl.cli import app
from dedupctl.web.password import PASSWORD_FILE

EVIL = os.fsdecode(
    b"x\x1b[2J\x1b]0;owned\x07\r\nFORGED \xc2\x9b31m\xe2\x80\xaecod\xe2\x81\xa6\xe2\x80\xa8\x9b [red]:heart:"
)
SPELT = r"x\x1b[2J\x1b]0;owned\x07\x0d\x0aFORGED \x9b31m\u202ecod\u2066\u2028\x9b [red]:heart:"


def harmless(told: str) -> bool:
    return all(line.isprintable() and not line.startswith("FORGED") for line in told.split("\n"))


class Library:
    """Pictures and folders of evil names: two exact copies, a near one, and one that cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.home, self.photos = folder / f"home {EVIL}", folder / f"photos {EVIL}"
        self.photos.mkdir()
        (folder / "empty").mkdir()
        source = drawn(1, 800, 600)
        source.save(self.photos / f"a {EVIL}.jpg", quality=95)
        shutil.copy(self.photos / f"a {EVIL}.jpg", self.photos / f"b {EVIL}.jpg")
        source.resize((400, 300)).save(self.photos / f"c {EVIL}.jpg", quality=80)
        for number in range(2, 9):
            drawn(number).save(self.photos / f"{number}.jpg")
        (self.photos / f"broken {EVIL}.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")

    def ask(self, *arguments: str | Path, code: int = 0) -> str:
        """What a command says to a person, on both streams."""
        answer: Result = CliRunner().invoke(app, ["--home", str(self.home), *map(str, arguments)])
        told = answer.stdout + answer.stderr
        assert answer.exit_code == code, told
        assert harmless(told), told
        return told

    def file(self, letter: str) -> Path:
        return self.photos / f"{letter} {EVIL}.jpg"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path)
    made.ask("scan", made.photos)
    return made


def test_looking_shows_names_spelt_out(library: Library) -> None:
    assert f"photos {SPELT}" in library.ask("roots", "list")
    assert f"broken {SPELT}.jpg" in library.ask("status", "--errors")
    assert library.ask("clusters").count(SPELT + ".jpg") >= 2
    library.ask("status")
    library.ask("check")
    assert SPELT in library.ask("find", library.file("a"))
    library.ask("explain", library.file("a"), library.file("b"))
    library.ask("explain", library.file("a"), library.file("c"))
    library.ask("verdict", library.file("a"), library.file("c"), "same")
    library.ask("roots", "add", library.photos.parent / "empty")
    library.ask("compare", library.photos, library.photos.parent / "empty")
    drawing = library.photos.parent / f"proof {EVIL}.png"
    assert f"proof {SPELT}.png" in library.ask("explain", library.file("a"), library.file("c"), "--image", drawing)


def test_acting_shows_names_spelt_out(library: Library) -> None:
    assert f"protected: {library.photos.parent}/photos {SPELT}/a {SPELT}.jpg" in library.ask(
        "protect", library.file("a")
    )
    assert f"a {SPELT}.jpg" in library.ask("protect")
    for copy in ("plan", "apply"):
        assert f"b {SPELT}.jpg" in library.ask(copy, "--policy", "safe", "--dry-run")
    assert f"b {SPELT}.jpg" in library.ask("apply", "--policy", "safe", "--yes", "--max-remove-share", "100")
    library.ask("plan", "--list")
    assert f"b {SPELT}.jpg" in library.ask("log")
    assert f"b {SPELT}.jpg" in library.ask("restore", "1", "--dry-run")
    library.file("b").write_bytes(b"another file took the place")
    assert f"b {SPELT}" in library.ask("restore", "--all")
    library.ask("apply", "--policy", "safe", "--yes", "--max-remove-share", "100")
    library.ask("purge", "--dry-run")
    library.ask("unprotect", library.file("a"))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Library:
    made = Library(tmp_path_factory.mktemp("hostile"))
    made.ask("scan", made.photos)
    return made


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scan", EVIL], 2),
        (["explain", EVIL, "x"], 2),
        (["explain", "a", "b", EVIL], 2),
        (["clusters", f"--{EVIL}"], 2),
        (["clusters", "--kind", EVIL], 2),
        ([EVIL], 2),
        ([f"--{EVIL}"], 2),
        (["find", EVIL], 2),
        (["apply", EVIL], 2),
        (["apply", "--policy", EVIL], 2),
        (["restore", EVIL], 2),
        (["protect", EVIL], 2),
        (["unprotect", EVIL], 2),
        (["roots", "remove", EVIL], 2),
        (["roots", "add", EVIL], 2),
        (["compare", EVIL, EVIL], 2),
        (["import", "encodings", EVIL], 2),
        (["report", "-o", f"/nowhere/{EVIL}"], 1),
        (["export", "pairs", "-o", f"/nowhere/{EVIL}"], 1),
        (["serve", "--listen", EVIL], 2),
        (["serve", "--base-url", EVIL], 2),
    ],
    ids=lambda value: " ".join(str(word).replace(EVIL, "EVIL") for word in value) if isinstance(value, list) else "",
)
def test_complaints_repeat_no_evil_word(
    untouched: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    (tmp_path / "password").write_text("long enough\n")
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "password"))
    untouched.ask(*arguments, code=code)


def test_a_home_or_a_key_of_an_evil_name_is_spelt_out(library: Library, tmp_path: Path) -> None:
    (library.home / "config.toml").write_text('[scan]\n"x\\u001b[31m\\nFORGED" = 1\n')
    assert SPELT in library.ask("status", code=2)
    told = CliRunner().invoke(app, ["--home", str(tmp_path / f"none {EVIL}"), "status"])
    assert told.exit_code == 2
    assert f"none {SPELT}" in told.stderr
    assert harmless(told.stderr)


def test_the_log_of_the_daemon_has_no_line_that_is_not_its_own(library: Library) -> None:
    (library.home / "config.toml").write_text("[watch]\nsettle_seconds = 0.2\n[scan]\nworkers = 1\n")
    log = library.home / "log"
    with log.open("wb") as stream, subprocess.Popen(command(library.home, "watch"), stderr=stream) as daemon:
        try:
            await_true(lambda: f"watching {library.photos.parent}".encode() in log.read_bytes(), "the root is watched")
            shutil.copy(library.photos / "2.jpg", library.photos / f"new {EVIL}.jpg")
            query = "SELECT count(*) FROM files WHERE state = 'present' AND CAST(name AS TEXT) LIKE 'new %'"
            await_true(lambda: rows(library.home, query) == [(1,)], "the new file is known")
            library.photos.rename(library.photos.with_name("elsewhere"))
            await_true(lambda: b"offline" in log.read_bytes(), "the root is offline")
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(60) == 0
        finally:
            daemon.kill()
    told = os.fsdecode(log.read_bytes())
    assert harmless(told), told
    assert SPELT in told
