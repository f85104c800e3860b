from __future__ import annotations

from pathlib import Path

import pytest

from dedupctl.daemon.heartbeat import Heartbeat, heartbeat_path, read_heartbeat


def test_what_is_written_can_be_read_until_it_is_removed(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "home", {"RUNTIME_DIRECTORY": str(tmp_path / "run")})
    assert read_heartbeat(heartbeat.path) is None
    heartbeat.write({"pid": 1, "path": "caf\udce9"})
    heartbeat.write({"pid": 2, "path": "caf\udce9"})
    assert read_heartbeat(heartbeat.path) == {"pid": 2, "path": "caf\udce9"}
    assert [path.name for path in (tmp_path / "run").iterdir()] == [heartbeat.path.name]
    heartbeat.remove()
    heartbeat.remove()
    assert read_heartbeat(heartbeat.path) is None


def test_each_home_has_its_own_in_the_directory_that_systemd_names_first(tmp_path: Path) -> None:
    named = {"RUNTIME_DIRECTORY": "/run/dedupctl/a:/run/other"}
    one, two = (heartbeat_path(tmp_path / name, named) for name in ("one", "two"))
    assert one.parent == two.parent == Path("/run/dedupctl/a")
    assert one != two
    of_user = heartbeat_path(tmp_path / "one", {"XDG_RUNTIME_DIR": "/run/user/1000"})
    assert of_user == Path("/run/user/1000/dedupctl", one.name)
    assert heartbeat_path(tmp_path / "one", {}) == tmp_path / "one" / "heartbeat.json"


def test_one_that_cannot_be_written_is_logged_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").write_text("no folder")
    heartbeat = Heartbeat(tmp_path, {"RUNTIME_DIRECTORY": str(tmp_path / "run")})
    for _ in range(3):
        heartbeat.write({})
    assert len(caplog.records) == 1


@pytest.mark.parametrize("damaged", ["", "{", "[]", "\xff"])
def test_one_that_is_damaged_is_none(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "heart.json").write_text(damaged, encoding="latin-1")
    assert read_heartbeat(tmp_path / "heart.json") is None
