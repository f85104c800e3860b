"""A family's library in use while everything that can fail does: then quiet, and catalog and disk must say the same.

A minute of it in the tests; `make soak MINUTES=60` for longer. A run prints its seed, and `SOAK_SEED` repeats what was
done (not when the kernel did it).
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from blake3 import blake3
from mounting import mount, unmount
from rendered_library import drawn
from running import command, dedupctl, listed, rows

from dedupctl.indexing.check import find_faults
from dedupctl.workspace import Workspace

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
QUIET_SECONDS = 240.0
"""How long it may take to come to rest on a busy machine."""
PICTURES = 60
MOST_FILES = 400
SETTLE = 0.5
CONFIG = f"""
[scan]
workers = 2
[model]
propose_cosine = 0.95  # drawn pictures resemble each other more than photos do
[watch]
settle_seconds = {SETTLE}
"""
GROWTH_MB = 60
"""More memory than this after the second half of a run than after the first is a leak."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the daemon is tested where it is at home"),
    pytest.mark.timeout(SECONDS + 4 * QUIET_SECONDS),
]


@dataclass
class Soak:
    base: Path
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.home, self.photos, self.outside = (self.base / name for name in ("home", "photos", "outside"))
        for folder in (self.home, self.photos / "disk", self.outside):
            folder.mkdir(parents=True)
        self.has_small_home = mount(self.home, size="48m")
        self.is_disk_there = False
        (self.home / "config.toml").write_text(CONFIG)
        self.stock = [self.outside / f"stock {number}.png" for number in range(PICTURES)]
        for number, path in enumerate(self.stock):
            drawn(number, 96, 72).save(path)
        self.daemon = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with (self.base / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                command(self.home, "watch", self.photos),
                stdout=log,
                stderr=log,
                env=os.environ | {"RUNTIME_DIRECTORY": str(self.base / "run")},
                start_new_session=True,
            )

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()
        for point, is_mounted in ((self.photos / "disk", self.is_disk_there), (self.home, self.has_small_home)):
            if is_mounted:
                unmount(point)

    # --- what is there ---------------------------------------------------------------------------------------------

    def files(self) -> list[Path]:
        return [path for path in sorted(self.photos.rglob("*.png")) if path.is_file() and not is_ignored(path)]

    def folders(self) -> list[Path]:
        """All but the place where the disk is plugged in."""
        found = [path for path in sorted(self.photos.rglob("*")) if path.is_dir() and not is_ignored(path)]
        return [path for path in found if path != self.photos / "disk"]

    def some(self, paths: list[Path]) -> Path:
        return self.chance.choice(paths)

    def fresh_name(self) -> str:
        return f"{self.chance.randrange(10**9)}"

    # --- what a family does ----------------------------------------------------------------------------------------

    def import_from_a_camera(self) -> None:
        folder = self.photos / f"import {self.fresh_name()}" / "DCIM"
        folder.mkdir(parents=True)
        for _ in range(self.chance.randint(1, 12)):
            shutil.copy(self.some(self.stock), folder / f"{self.fresh_name()}.png")

    def save_in_an_editor(self) -> None:
        path = self.some(self.files())
        part = path.with_name(f".{path.name}.part")
        shutil.copyfile(self.some(self.stock), part)
        part.rename(path)

    def write_in_place(self) -> None:
        with self.some(self.files()).open("r+b") as file:
            file.write(self.some(self.stock).read_bytes())
            file.truncate()

    def link(self) -> None:
        path = self.some(self.files())
        (path.parent / f"link {self.fresh_name()}.png").hardlink_to(path)

    def rename_a_file(self) -> None:
        self.some(self.files()).rename(self.some(self.folders()) / f"{self.fresh_name()}.png")

    def move_a_folder(self) -> None:
        self.some(self.folders()).rename(self.some([self.photos, *self.folders()]) / f"moved {self.fresh_name()}")

    def trash_a_folder(self) -> None:
        trash = self.photos / ".Trash-1000" / self.fresh_name()
        trash.parent.mkdir(exist_ok=True)
        self.some(self.folders()).rename(trash)

    def take_a_folder_out_and_back(self) -> None:
        folder, away = self.some(self.folders()), self.outside / "away"
        folder.rename(away)
        away.rename(folder)

    def exchange_two_folders(self) -> None:
        at_fdcwd, exchange = -100, 2
        one, other = (os.fsencode(self.some(self.folders())) for _ in range(2))
        ctypes.CDLL(None).renameat2(at_fdcwd, one, at_fdcwd, other, exchange)

    def delete_some(self) -> None:
        for path in self.chance.sample(self.files(), k=min(5, len(self.files()))):
            path.unlink()

    def check_out_another_branch(self) -> None:
        folder = self.photos / "repository"
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(self.chance.randint(1, 15)):
            path = folder / self.chance.choice("abc") / f"{self.chance.randrange(20)}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.some(self.stock), path)

    def plug_a_disk(self) -> None:
        if self.is_disk_there:
            unmount(self.photos / "disk")
            self.is_disk_there = False
        elif mount(self.photos / "disk"):
            self.is_disk_there = True
            shutil.copy(self.some(self.stock), self.photos / "disk" / f"{self.fresh_name()}.png")

    # --- what fails ------------------------------------------------------------------------------------------------

    def kill_the_daemon(self) -> None:
        os.kill(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()
        self.daemon = self.start()

    def kill_a_process_below_it(self) -> None:
        below = psutil.Process(self.daemon.pid).children(recursive=True)
        if below:
            self.chance.choice(below).kill()

    def fill_the_home(self) -> None:
        if not self.has_small_home:
            return
        filler = self.home / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(1 << 20)):
                pass
        self.import_from_a_camera()
        time.sleep(self.chance.uniform(0.5, 3))  # as long as the disk is full
        filler.unlink()

    def lock_the_catalog(self) -> None:
        connected = sqlite3.connect(self.home / "catalog.db", isolation_level=None, timeout=0)
        with closing(connected) as other, suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(self.chance.uniform(0.5, 3))  # as long as the other program takes

    def flood_it_with_events(self) -> None:
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            source = self.some(self.files())
            for _ in range(limit // 2 + 10):
                os.link(source, self.photos / "flood")
                os.unlink(self.photos / "flood")
            self.import_from_a_camera()
            self.move_a_folder()
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)

    # --- the run ---------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        life: list[Callable[[], None]] = [
            self.import_from_a_camera,
            self.save_in_an_editor,
            self.write_in_place,
            self.link,
            self.rename_a_file,
            self.move_a_folder,
            self.trash_a_folder,
            self.take_a_folder_out_and_back,
            self.exchange_two_folders,
            self.delete_some,
            self.check_out_another_branch,
            self.plug_a_disk,
        ]
        faults: list[Callable[[], None]] = [
            self.kill_the_daemon,
            self.kill_a_process_below_it,
            self.fill_the_home,
            self.lock_the_catalog,
            self.flood_it_with_events,
        ]
        self.import_from_a_camera()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            act = self.chance.choice(faults) if self.chance.random() < 0.04 else self.chance.choice(life)
            if act == self.import_from_a_camera and len(self.files()) > MOST_FILES:
                act = self.delete_some
            with suppress(OSError, IndexError, psutil.NoSuchProcess):
                act()
                self.done[act.__name__] += 1
            assert self.daemon.poll() is None, (self.base / "daemon.log").read_text()[-3000:]
            time.sleep(self.chance.expovariate(8))

    def await_agreement(self) -> None:
        deadline = time.monotonic() + QUIET_SECONDS
        while difference := self.difference():
            assert time.monotonic() < deadline, f"{difference}\n{(self.base / 'daemon.log').read_text()[-3000:]}"
            assert self.daemon.poll() is None
            time.sleep(0.5)

    def difference(self) -> dict[str, set[tuple[str, bytes]]]:
        """What only one of the two says of a path and the bytes there; a disk that is away is not compared."""
        devices = {os.stat(self.photos).st_dev, os.stat(self.photos / "disk").st_dev}
        query = (
            "SELECT CAST(folder || CASE folder WHEN x'' THEN '' ELSE '/' END || name AS TEXT), contents.digest, device"
            " FROM files JOIN contents ON contents.id = content_id WHERE state = 'present'"
        )
        known = {(path, digest) for path, digest, device in rows(self.home, query) if device in devices}
        there = {(str(path.relative_to(self.photos)), blake3(path.read_bytes()).digest()) for path in self.files()}
        return {} if known == there else {"only known": known - there, "only there": there - known}

    def assert_every_folder_is_heard(self) -> None:
        for folder in [self.photos, *self.folders()]:
            shutil.copy(self.stock[0], folder / f"heard {self.fresh_name()}.png")
        self.await_agreement()

    def weight(self) -> tuple[float, int, int]:
        """Memory in MB, descriptors and threads of the daemon itself."""
        process = psutil.Process(self.daemon.pid)
        return process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()


def is_ignored(path: Path) -> bool:
    return any(part.startswith((".Trash", ".dedupctl", "._")) for part in path.parts)


def test_after_a_wild_time_catalog_and_disk_say_the_same(tmp_path: Path) -> None:
    seed = int(os.environ.get("SOAK_SEED", str(random.randrange(10**6))))
    soak = Soak(tmp_path, random.Random(seed))
    print(f"SOAK_SEED={seed}")  # noqa: T201 - what repeats a failing run
    try:
        soak.run(SECONDS / 2)
        soak.await_agreement()
        before = soak.weight()
        is_same_process = soak.daemon
        soak.run(SECONDS / 2)
        soak.await_agreement()
        soak.assert_every_folder_is_heard()
        status = listed(soak.home, "status")
        watches = status["watch"]["watches"]
        assert (watches["alive"], watches["unwatched"], status["watch"]["hung"]) == (1, 0, False)
        assert status["errors"] == {}
        after = soak.weight()
        if soak.daemon is is_same_process:
            assert after[0] < before[0] + GROWTH_MB
        assert after[1] < before[1] + 20
        assert after[2] < before[2] + 10
        print(f"{sum(soak.done.values())} operations: {dict(soak.done)}; MB, descriptors, threads: {before} -> {after}")  # noqa: T201
        assert dedupctl(soak.home, "check").code == 0
        soak.daemon.send_signal(signal.SIGTERM)
        assert soak.daemon.wait(60) == 0
        with Workspace.open(soak.home) as workspace:
            assert find_faults(workspace) == []
        assert "Traceback" not in (tmp_path / "daemon.log").read_text()
    finally:
        soak.close()
