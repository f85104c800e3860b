"""`dedupctl watch` as a process of its own on a folder of its own: what happens to files becomes known by itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mounting import mounted
from rendered_library import drawn
from running import PATIENCE, await_true, command, dedupctl, listed, rows, session_ended

from dedupctl.indexing.check import find_faults
from dedupctl.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the daemon is tested where it is at home")

SETTLE = 1.0
CONFIG = f"""
[scan]
workers = 1
max_megapixels = 1  # `large.jpg` was indexed without this limit: a decode that should not be shows itself as an error
[model]
propose_cosine = 0.95  # drawn pictures resemble each other more than photos do
[watch]
settle_seconds = {SETTLE}
"""


@dataclass(frozen=True)
class Watched:
    """A library with a daemon that watches it."""

    home: Path
    photos: Path
    daemon: subprocess.Popen[bytes]

    def seen(self, path: Path) -> tuple[str, int | None] | None:
        """State and content id of a file, as the catalog has it; None if it was never heard of."""
        query = (
            "SELECT state, content_id FROM files JOIN roots ON roots.id = root_id WHERE ? = "
            "CAST(roots.path || '/' || folder || CASE folder WHEN x'' THEN '' ELSE '/' END || name AS TEXT)"
        )
        found = rows(self.home, query, str(path))
        return found[0] if found else None

    def content_of(self, path: Path) -> int:
        """The content of a file, once it is present."""
        await_true(lambda: (self.seen(path) or ("", 0))[0] == "present", f"{path} is present, not {self.seen(path)}")
        _, content_id = self.seen(path) or ("", None)
        assert content_id is not None
        return content_id

    def await_gone(self, path: Path) -> None:
        await_true(lambda: (self.seen(path) or ("", 0))[0] == "gone", f"{path} is gone")

    def labels(self, content_id: int) -> list[tuple[Any, ...]]:
        return rows(self.home, "SELECT id FROM embeddings WHERE content_id = ?", content_id)

    def told(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        found = rows(self.home, "SELECT value FROM meta WHERE key = 'daemon'")
        state: dict[str, Any] = json.loads(found[0][0]) if found else {"pid": None}
        return state if state["pid"] == self.daemon.pid else {"doing": "not yet started", "roots": {}}


@contextmanager
def watching(home: Path, photos: Path, **environment: str) -> Iterator[Watched]:
    """A daemon that has begun to listen; whatever it says is kept beside the home."""
    with (home.parent / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(
            command(home, "watch", photos),
            stdout=log,
            stderr=log,
            env=os.environ | {"RUNTIME_DIRECTORY": str(home.parent / "run")} | environment,
            start_new_session=True,
        )
        watched = Watched(home, photos, daemon)
        try:
            await_true(
                lambda: watched.told()["doing"] == "watching" or daemon.poll() is not None, "the daemon has begun"
            )
            assert daemon.poll() is None, (home.parent / "daemon.log").read_text()
            yield watched
        finally:
            daemon.kill()
            daemon.wait()
    assert "Traceback" not in (home.parent / "daemon.log").read_text()


def render(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    drawn(seed, 160, 120).save(path)
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One daemon for all tests that need no other; each has a folder of its own."""
    folder = tmp_path_factory.mktemp("daemon")
    home, photos = folder / "home", folder / "photos"
    photos.mkdir()
    drawn(1, 1300, 1000).save(photos / "large.jpg")
    listed(home, "scan", photos)
    (home / "config.toml").write_text(CONFIG)
    with watching(home, photos) as watched:
        yield watched


def test_new_pictures_become_clusters_while_it_runs(library: Watched) -> None:
    one = render(library.photos / "new" / "one.png", 10)
    other = render(library.photos / "new" / "other.bmp", 10)
    contents = {library.content_of(one), library.content_of(other)}
    await_true(
        lambda: rows(library.home, "SELECT 1 FROM contents WHERE matched_at IS NULL") == [], "all have been compared"
    )
    assert len(contents) == 2
    clusters = [{file["path"] for file in cluster["files"]} for cluster in listed(library.home, "clusters")["clusters"]]
    assert {str(one), str(other)} in clusters
    status = listed(library.home, "status")
    assert status["watch"]["pid"] == library.daemon.pid
    assert status["watch"]["roots"] == {str(library.photos): "watched"}


def test_a_changed_file_gets_its_new_content_also_where_it_is_deleted_and_made_again(library: Watched) -> None:
    path = render(library.photos / "changed" / "a.png", 20)
    first = library.content_of(path)
    render(path, 21)
    await_true(lambda: library.seen(path) not in (None, ("present", first)), "the new content is found")
    second = library.content_of(path)
    path.unlink()
    render(path, 22)
    await_true(lambda: library.seen(path) not in (("gone", second), ("present", second)), "the newest one too")
    assert len({first, second, library.content_of(path)}) == 3
    assert b"Not a directory" not in (library.home.parent / "daemon.log").read_bytes()


def test_a_rename_and_a_copy_keep_content_and_vector_and_decode_nothing(library: Watched) -> None:
    large, renamed, copy = (library.photos / name for name in ("large.jpg", "renamed.jpg", "copy.jpg"))
    content_id = library.content_of(large)
    labels = library.labels(content_id)
    large.rename(renamed)
    assert library.content_of(renamed) == content_id
    library.await_gone(large)
    shutil.copy(renamed, copy)
    assert library.content_of(copy) == content_id
    assert library.labels(content_id) == labels
    renamed.rename(large)
    assert library.content_of(large) == content_id


def test_a_deleted_file_is_gone_and_back_when_it_is_put_back(library: Watched) -> None:
    path = render(library.photos / "deleted" / "a.png", 30)
    content_id = library.content_of(path)
    path.rename(library.home.parent / "kept.png")
    library.await_gone(path)
    (library.home.parent / "kept.png").rename(path)
    assert library.content_of(path) == content_id


def test_whole_folders_come_move_and_go(library: Watched) -> None:
    outside, inside, moved = library.home.parent / "album", library.photos / "album", library.photos / "moved album"
    for seed in range(40, 43):
        render(outside / "deep" / f"{seed}.png", seed)
    outside.rename(inside)
    contents = {seed: library.content_of(inside / "deep" / f"{seed}.png") for seed in range(40, 43)}
    inside.rename(moved)
    for seed, content_id in contents.items():
        assert library.content_of(moved / "deep" / f"{seed}.png") == content_id
        library.await_gone(inside / "deep" / f"{seed}.png")
    moved.rename(outside)
    for seed in contents:
        library.await_gone(moved / "deep" / f"{seed}.png")


def test_how_far_the_reading_of_many_is_can_be_seen_from_outside(library: Watched, tmp_path: Path) -> None:
    for seed in range(96):
        render(tmp_path / "many" / f"{seed}.png", 1000 + seed)
    (tmp_path / "many").rename(library.photos / "many")
    await_true(lambda: library.told()["doing"].startswith("reading"), "it says how many are read")
    library.content_of(library.photos / "many" / "95.png")
    await_true(lambda: library.told()["doing"] == "watching", "it says that all are read")


def test_a_file_that_is_written_slowly_is_read_once_it_is_quiet(library: Watched) -> None:
    whole = render(library.home.parent / "slow.png", 50).read_bytes()
    path = library.photos / "slow.png"
    seen_meanwhile = set()
    part = len(whole) // 20 + 1
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(whole), part):
            file.write(whole[start : start + part])
            os.fsync(file.fileno())
            seen_meanwhile.add(library.seen(path))
            time.sleep(2 * SETTLE / 20)  # the writer's pace; nothing is awaited
    content_id = library.content_of(path)
    assert seen_meanwhile == {None}
    assert rows(library.home, "SELECT size FROM contents WHERE id = ?", content_id) == [(len(whole),)]


def test_roots_are_taken_up_go_offline_come_back_and_are_let_go_of(library: Watched) -> None:
    second, away = library.home.parent / "second", library.home.parent / "away"
    picture = render(second / "a.png", 60)
    assert dedupctl(library.home, "roots", "add", second).code == 0
    content_id = library.content_of(picture)

    second.rename(away)
    second.mkdir()  # as an unmounted disk leaves its empty folder behind
    render(away / "b.png", 61)
    (away / "a.png").rename(away / "c.png").rename(away / "a.png")  # heard of as if it were where the root was
    await_true(lambda: "marker" in library.told()["roots"].get(str(second), ""), "an empty folder is not the root")
    assert library.seen(picture) == ("present", content_id)
    second.rmdir()
    away.rename(second)
    assert library.content_of(second / "b.png") != content_id
    assert library.seen(picture) == ("present", content_id)

    assert dedupctl(library.home, "roots", "remove", second).code == 0
    await_true(lambda: str(second) not in library.told()["roots"], "it is let go of")
    assert library.seen(picture) is None
    assert library.daemon.poll() is None


def test_how_it_is_can_be_seen_from_outside(library: Watched) -> None:
    library.content_of(render(library.photos / "seen" / "a.png", 90))
    await_true(lambda: (listed(library.home, "status")["watch"] or {}).get("events", {}).get("seen", 0) > 0, "it hears")
    document = listed(library.home, "status")
    watch = document["watch"]
    assert (watch["pid"], watch["hung"]) == (library.daemon.pid, False)
    assert (watch["watches"]["alive"], watch["watches"]["wanted"]) == (1, 1)
    folders = [folder for folder, _, _ in os.walk(library.photos) if ".dedupctl" not in folder]
    assert len(folders) - 1 <= watch["watches"]["used"] <= watch["watches"]["limit"]
    assert watch["watches"]["unwatched"] == 0
    assert abs(watch["beat_at"] - time.time()) < PATIENCE
    assert watch["next_scan_at"] > time.time()
    assert all(worker["rss_bytes"] > 0 for worker in watch["workers"])
    assert document["config"] == {"differs": False, "error": None}
    assert document["home_bytes"] > 0
    assert document["home_free_bytes"] > 0
    assert document["quarantine"] == {"files": 0, "bytes": 0, "oldest_at": None}
    (root,) = document["roots"]
    assert root["last_scan"] <= time.time()
    assert root["disks"] == []
    config = library.home / "config.toml"
    before = config.read_text()
    config.write_text(before.replace("max_megapixels = 1", "max_megapixels = 2"))
    assert listed(library.home, "status")["config"]["differs"]
    config.write_text(before)
    out = dedupctl(library.home, "status").out
    for words in ("1 of 1 watchers alive", "next scan", "home ", "index   "):
        assert words in out


def test_it_rests_when_it_is_paused_and_makes_up_for_it_when_it_is_to_go_on(library: Watched) -> None:
    assert dedupctl(library.home, "pause").code == 0
    await_true(lambda: library.told()["doing"] == "resting: paused (dedupctl resume)", "it rests")
    path = render(library.photos / "paused" / "a.png", 70)
    time.sleep(2 * SETTLE)  # in which it would have been read
    assert library.seen(path) is None
    assert dedupctl(library.home, "resume").code == 0
    library.content_of(path)


def test_a_hangup_has_it_read_its_configuration_anew_and_an_invalid_one_is_refused(library: Watched) -> None:
    log, config = library.home.parent / "daemon.log", library.home / "config.toml"
    config.write_text(CONFIG.replace("workers = 1", "wokers = 1"))
    library.daemon.send_signal(signal.SIGHUP)
    await_true(lambda: "the configuration is invalid and was not reloaded" in log.read_text(), "it is refused")
    assert "scan.wokers: unknown key" in log.read_text()
    config.write_text(CONFIG.replace(f"settle_seconds = {SETTLE}", "settle_seconds = 0.5"))
    library.daemon.send_signal(signal.SIGHUP)
    await_true(lambda: "the configuration was reloaded" in log.read_text(), "it is taken up")
    library.content_of(render(library.photos / "reloaded" / "a.png", 80))
    assert library.daemon.poll() is None


def test_a_second_daemon_and_a_scan_are_turned_away(library: Watched) -> None:
    for name in ("watch", "scan"):
        answer = dedupctl(library.home, name)
        assert (answer.code, answer.err.count("\n")) == (3, 1)
        assert f"the daemon (process {library.daemon.pid}) watches already" in answer.err


def test_the_service_manager_hears_of_it_from_start_to_end_and_sigterm_is_no_error(tmp_path: Path) -> None:
    render(tmp_path / "photos" / "a.png", 1)
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(PATIENCE)
        listener = threading.Thread(target=hear, args=(channel, heard))
        listener.start()
        with watching(
            tmp_path / "home", tmp_path / "photos", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000"
        ) as watched:
            alive_before = heard.count("WATCHDOG=1")
            await_true(lambda: heard.count("WATCHDOG=1") > alive_before + 1, "its heart beats")
            watched.daemon.send_signal(signal.SIGTERM)
            assert watched.daemon.wait(PATIENCE) == 0
        channel.sendto(b"", str(tmp_path / "notify"))
        listener.join()
    assert heard.count("READY=1") == heard.count("STOPPING=1") == 1
    assert heard.index("READY=1") < heard.index("STOPPING=1")
    assert "STATUS=watching, 1 of 1 roots online" in heard
    with Workspace.open(tmp_path / "home") as workspace:
        assert find_faults(workspace) == []


def hear(channel: socket.socket, heard: list[str]) -> None:
    while message := channel.recv(4096):
        heard.append(message.decode())


def test_ctrl_c_ends_it_with_130_and_takes_the_workers_along(tmp_path: Path) -> None:
    render(tmp_path / "photos" / "a.png", 1)
    with watching(tmp_path / "home", tmp_path / "photos") as watched:
        os.killpg(watched.daemon.pid, signal.SIGINT)
        assert watched.daemon.wait(PATIENCE) == 130
    await_true(lambda: session_ended(watched.daemon.pid), "its workers end")


def test_an_unattended_policy_removes_copies_by_itself_and_what_was_cut_off_is_settled_first(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    kept, copy = render(photos / "a.png", 1), photos / "a copy.png"
    shutil.copy(kept, copy)
    listed(home, "scan", photos)
    listed(home, "plan")
    with closing(sqlite3.connect(home / "catalog.db")) as catalog, catalog:
        catalog.execute(  # as after a kill between the intent and the rename
            "INSERT INTO journal (action_id, deed, state, source, target, started_at, resting)"
            " SELECT id, 'remove', 'intended', ?, ?, 1, 0 FROM actions",
            (os.fsencode(copy), os.fsencode(photos / ".dedupctl/quarantine/1/a copy.png")),
        )
    (home / "config.toml").write_text(f"{CONFIG}[policy.alone]\nunattended = true\nmax_remove_share = 60\n")
    with watching(home, photos) as watched:
        watched.await_gone(copy)
        watched.daemon.send_signal(signal.SIGTERM)
        assert watched.daemon.wait(PATIENCE) == 0
    entries = listed(home, "log")["entries"]
    assert [(entry["policy"], entry["state"]) for entry in entries] == [("alone", "done"), ("safe", "failed")]
    assert kept.exists()
    assert Path(entries[0]["where"]).read_bytes() == kept.read_bytes()
    log = (tmp_path / "daemon.log").read_text()
    assert log.index("a remove was interrupted") < log.index("scan (start)") < log.index("policy alone, plan 2: 1 file")


def kinds_by_path(home: Path) -> list[dict[str, str]]:
    """What the files of each cluster are to its keeper."""
    clusters = listed(home, "clusters")["clusters"]
    return [{file["path"]: file["kind"] for file in cluster["files"]} for cluster in clusters]


def test_another_model_is_taken_up_while_it_watches_and_what_was_proven_or_said_stays(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    one, other = (render(photos / f"{name}.png", seed) for seed, name in enumerate(("one", "other"), 20))
    drawn(20, 160, 120).save(photos / "again.jpg", quality=90)
    listed(home, "scan", photos)
    assert dedupctl(home, "verdict", one, other, "same").code == 0
    proof = "SELECT a, b, kind, json_remove(evidence, '$.cosine') FROM pairs ORDER BY a, b"
    proven = rows(home, proof)
    clusters = kinds_by_path(home)
    (home / "config.toml").write_text(CONFIG.replace("[model]", "[model]\ninput_size = 96"))
    waiting = listed(home, "status")["index"]
    assert (waiting["vectors"], waiting["waiting"]) == (0, 3)
    assert "edited copies may be missed" in dedupctl(home, "find", one).err
    assert dedupctl(home, "report", "--format", "json", "--output", tmp_path / "report.json").code == 0
    with watching(home, photos) as watched:
        fresh = render(photos / "fresh.png", 30)
        watched.content_of(fresh)
        await_true(lambda: listed(home, "status")["index"]["waiting"] == 0, "every picture has a vector of it")
        await_true(lambda: listed(home, "status")["backlog"] == 0, "everything was compared again")
        watched.daemon.send_signal(signal.SIGTERM)
        assert watched.daemon.wait(PATIENCE) == 0
    assert set(proven) <= set(rows(home, proof))
    assert kinds_by_path(home) == clusters
    assert "candidates are proposed again" in (tmp_path / "daemon.log").read_text()
    with Workspace.open(home) as workspace:
        assert find_faults(workspace) == []


def test_a_home_that_is_full_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    home.mkdir()
    with mounted(home, size="24m"):
        (home / "config.toml").write_text(CONFIG)
        render(photos / "a.png", 1)
        with watching(home, photos) as watched:
            watched.content_of(photos / "a.png")
            fill(home / "filler")
            pictures = [render(photos / f"late {seed}.png", seed) for seed in range(100, 140)]
            log = tmp_path / "daemon.log"
            await_true(
                lambda: "waiting until the stores can be used again" in log.read_text(), "it tells that it waits"
            )
            assert watched.daemon.poll() is None
            (home / "filler").unlink()
            for picture in pictures:
                watched.content_of(picture)
            assert "the stores can be used again" in log.read_text()
            watched.daemon.send_signal(signal.SIGTERM)
            assert watched.daemon.wait(PATIENCE) == 0
        with Workspace.open(home) as workspace:
            assert find_faults(workspace) == []


def fill(path: Path) -> None:
    """Write until the disk is full to the last byte."""
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while filler.write(b"0" * size):
                    pass


def test_a_catalog_that_another_program_has_locked_is_waited_for(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    render(photos / "a.png", 1)
    with watching(home, photos) as watched:
        watched.content_of(photos / "a.png")
        with closing(sqlite3.connect(home / "catalog.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            render(photos / "b.png", 2)
            time.sleep(3)  # as long as the other program takes
            other.rollback()
        watched.content_of(photos / "b.png")


def test_it_stops_within_five_seconds_while_another_program_has_the_catalog_locked(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    render(photos / "a.png", 1)
    with (
        watching(home, photos) as watched,
        closing(sqlite3.connect(home / "catalog.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        render(photos / "b.png", 2)
        time.sleep(2 * SETTLE)  # by then it wants to write
        watched.daemon.send_signal(signal.SIGTERM)
        assert watched.daemon.wait(30) == 0  # and not a minute later


def test_a_whole_library_moved_in_at_once_is_taken_in_with_a_beating_heart_and_can_be_left_off(tmp_path: Path) -> None:
    """30,000 files meant 28 seconds without a sign of life."""
    home, photos, outside = tmp_path / "home", tmp_path / "photos", tmp_path / "outside"
    template = render(photos / "a.png", 1)
    (home).mkdir()
    (home / "config.toml").write_text(CONFIG.replace(f"settle_seconds = {SETTLE}", "settle_seconds = 0"))
    for number in range(200):
        (outside / f"{number}").mkdir(parents=True)
        for copy in range(100):
            shutil.copyfile(template, outside / f"{number}" / f"{copy}.png")
    heard: list[tuple[float, str]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        listener = threading.Thread(target=hear_when, args=(channel, heard))
        listener.start()
        with watching(home, photos, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="120000000") as watched:
            outside.rename(photos / "all")
            await_true(lambda: watched.told()["doing"].startswith("reading"), "it has begun to read")
            moments = [moment for moment, message in heard if message == "WATCHDOG=1"]
            assert max(after - before for before, after in pairwise(moments)) < 10, "the service manager allows 120"
            watched.daemon.send_signal(signal.SIGTERM)
            assert watched.daemon.wait(PATIENCE) == 0
        channel.sendto(b"", str(tmp_path / "notify"))
        listener.join()


def hear_when(channel: socket.socket, heard: list[tuple[float, str]]) -> None:
    while message := channel.recv(4096):
        heard.append((time.monotonic(), message.decode()))
