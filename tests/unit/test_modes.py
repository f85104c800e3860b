"""Nothing we write is for others to read, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered_library import drawn
from typer.testing import CliRunner

from dedupctl.cli import app
from dedupctl.modes import make_file, opener, tighten


@pytest.fixture(autouse=True, params=[0o000, 0o022], ids=["umask 000", "umask 022"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): mode(path) for path in [folder, *folder.rglob("*")]}


def run(home: Path, *arguments: str | Path) -> None:
    answer = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
    assert answer.exit_code == 0, answer.output


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    drawn(1).save(made / "a.jpg", quality=95)
    drawn(1).save(made / "b.jpg", quality=60)
    return made


@pytest.mark.parametrize(("config", "group"), [("", 0), ("[home]\ngroup_readable = true\n", 0o050)])
def test_a_home_and_what_is_written_for_it_is_its_owners(tmp_path: Path, photos: Path, config: str, group: int) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    if config:
        home.mkdir()
        (home / "config.toml").write_text(config)
    out.mkdir()
    run(home, "scan", photos)
    found = modes(home)
    assert {"catalog.db", "thumbs.db", "workspace.lock", "vectors"} <= found.keys()
    assert any(name.endswith(".hnsw") for name in found)
    for name, given in found.items():
        wanted = 0o700 | group if (home / name).is_dir() else 0o600 | group & 0o040
        assert given == wanted, name
    run(home, "report", "-o", out / "report.html", "--map", out / "map.png", "--map-csv", out / "map.csv")
    run(home, "explain", photos / "a.jpg", photos / "b.jpg", "--image", out / "proof.png")
    for what in ("pairs", "clusters", "encodings"):
        run(home, "export", what, "-o", out / what)
    written = modes(out)
    del written["."]
    assert len(written) == 7
    assert set(written.values()) == {0o600 | group & 0o040}


def test_a_report_that_was_opened_to_others_stays_open(tmp_path: Path, photos: Path) -> None:
    run(tmp_path / "home", "scan", photos)
    run(tmp_path / "home", "report", "-o", tmp_path / "report.html", "--no-map")
    (tmp_path / "report.html").chmod(0o644)
    run(tmp_path / "home", "report", "-o", tmp_path / "report.html", "--no-map")
    assert mode(tmp_path / "report.html") == 0o644


def test_an_older_home_is_closed_when_it_is_opened(tmp_path: Path, photos: Path) -> None:
    home = tmp_path / "home"
    run(home, "scan", photos)
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    run(home, "status")
    assert {given & 0o077 for given in modes(home).values()} == {0}


def test_a_home_that_holds_something_else_stays_as_open_as_it_was_but_for_what_is_ours(photos: Path) -> None:
    photos.chmod(0o755)
    (photos / "a.jpg").chmod(0o644)
    run(photos, "scan", photos)
    assert mode(photos) == 0o755
    assert mode(photos / "a.jpg") == 0o644
    assert mode(photos / "catalog.db") == 0o600


def test_a_link_in_a_home_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "elsewhere").chmod(0o755)
    (tmp_path / "home" / "vectors").symlink_to(tmp_path / "elsewhere")
    tighten(tmp_path / "home", group_readable=False)
    assert mode(tmp_path / "elsewhere") == 0o755


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("something")
    there.chmod(0o644)
    make_file(there)
    with open(there, "a", opener=opener(0o600)) as file:
        file.write(" more")
    assert (there.read_text(), mode(there)) == ("something more", 0o644)
