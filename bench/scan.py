"""What a scan costs: CPU over the bare reading of the same files, a second visit, memory, and how fast the daemon is.

    python bench/scan.py cost --photos DIR        CPU a photo over read + BLAKE3 + `draft` decode alone (goal 1.6 or 4)
    python bench/scan.py library --photos DIR     second visit over a bare walk (goal 3), memory (goal 1 GB), and the
                                                  daemon's latency (goal 1 s past the settle time)

Every figure is a ratio or a sum of one run on one machine; CPU seconds are those of all processes of the scan together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import psutil
from blake3 import blake3
from PIL import Image

from dedupctl.config import ModelConfig
from dedupctl.fingerprint.embedder import Embedder

SETTLE_SECONDS = 2.0
LIBRARY_CONFIG = f"""
[watch]
settle_seconds = {SETTLE_SECONDS}
[model]
propose_cosine = 0.95
"""
"""Quarters of photos propose each other by the thousand; what is proven is measured by `copies.py`, not here."""


@dataclass
class Meter:
    """CPU seconds and memory of a process and all its descendants, looked at until they end."""

    cpu_by_pid: dict[int, float] = field(default_factory=dict)
    waited_for: float = 0.0
    """CPU seconds that the system accounts to children it saw end: exact, but without those that others waited for."""
    peak_bytes: int = 0

    @property
    def cpu_seconds(self) -> float:
        return max(self.waited_for, sum(self.cpu_by_pid.values()))

    def look(self, process: psutil.Process) -> None:
        together = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
                self.cpu_by_pid[one.pid] = times.user + times.system
                together += one.memory_full_info().uss
            except psutil.Error:
                continue
        self.peak_bytes = max(self.peak_bytes, together)


def dedupctl(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "dedupctl", "--home", str(home), *arguments]


def measured(command: list[str]) -> tuple[Meter, float, str]:
    """Run to the end; returns the meter, wall seconds and stdout."""
    meter, started, before = Meter(), time.monotonic(), cpu_of_children()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        watched = psutil.Process(child.pid)
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.25):
                try:
                    meter.look(watched)
                except psutil.NoSuchProcess:
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert child.stdout is not None
        output = child.stdout.read()
        child.wait()
        done.set()
        watcher.join()
    meter.waited_for = cpu_of_children() - before
    return meter, time.monotonic() - started, output


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bare_seconds(paths: list[Path]) -> float:
    """CPU seconds of reading, BLAKE3 and the scaled decode alone."""
    started = time.process_time()
    for path in paths:
        data = path.read_bytes()
        blake3(data).digest()
        with Image.open(path) as image:
            factor = min(image.size) // 256
            if factor >= 2:
                image.draft(None, (image.width // factor, image.height // factor))
            image.load()
    return time.process_time() - started


def network_seconds(paths: list[Path]) -> float:
    """CPU seconds of the embedding network alone, once for each path."""
    embedder, picture = Embedder(ModelConfig()), Image.new("RGB", (320, 240), "gray")
    embedder.embed([picture])
    started = time.process_time()
    for _ in paths:
        embedder.embed([picture])
    return time.process_time() - started


def on_all_cores(work: Callable[[list[Path]], float], paths: list[Path]) -> float:
    """CPU seconds of work that is shared by a process a core, as a scan is: two that share one core take longer."""
    cores = len(os.sched_getaffinity(0))
    with get_context("forkserver").Pool(cores) as pool:
        return sum(pool.map(work, [paths[core::cores] for core in range(cores)], chunksize=1))


def cost(photos: Path, copies: int) -> None:
    """Copies differ in one pixel row's worth of trailing bytes, so that none is an exact duplicate of another."""
    with tempfile.TemporaryDirectory() as work:
        library = Path(work, "library")
        library.mkdir()
        originals = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
        for number in range(copies):
            for path in originals:
                target = library / f"{number}-{path.name}"
                target.write_bytes(path.read_bytes() + number.to_bytes(4))
        paths = sorted(library.iterdir())
        alone, bare = bare_seconds(paths), on_all_cores(bare_seconds, paths)
        network = on_all_cores(network_seconds, paths)
        start, _, _ = measured(dedupctl(Path(work, "empty"), "scan", str(_empty(Path(work)))))
        meter, _, output = measured(dedupctl(Path(work, "home"), "scan", str(library), "--json"))
        summary = json.loads(output)
    each = 1000 / len(paths)
    scan = meter.cpu_seconds - start.cpu_seconds
    print(f"{len(paths)} photos, errors {summary['errors']}")
    print(f"bare: read + BLAKE3 + draft decode   {bare * each:8.2f} CPU ms a photo, on all cores")
    print(f"the same in one process              {alone * each:8.2f} CPU ms a photo")
    print(f"the embedding network alone          {network * each:8.2f} CPU ms a photo, on all cores")
    print(f"scan, its start ({start.cpu_seconds:.1f} s) aside      {scan * each:8.2f} CPU ms a photo")
    print(f"scan / bare                          {scan / bare:8.2f}   (over one process of it {scan / alone:.2f})")
    print(f"without the network                  {(scan - network) / bare:8.2f}")
    print("by stage, CPU ms a photo: " + ", ".join(f"{k} {v * each:.3f}" for k, v in summary["seconds"].items()))


def _empty(work: Path) -> Path:
    folder = work / "nothing"
    folder.mkdir()
    return folder


def make_library(folder: Path, photos: Path, files: int) -> None:
    """Every photo and its four quarters, a hundred files a folder."""
    made = 0
    for path in sorted(path for path in photos.rglob("*") if path.is_file()):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        width, height = photo.size
        boxes = [(0, 0, width, height)]
        boxes += [(x, y, x + width // 2, y + height // 2) for x in (0, width // 2) for y in (0, height // 2)]
        for box in boxes:
            if made == files:
                return
            where = folder / f"{made // 100:05d}"
            where.mkdir(exist_ok=True, parents=True)
            photo.crop(box).save(where / f"{made:06d}.jpg", quality=85)
            made += 1
    raise SystemExit(f"{photos} holds only enough photos for {made} files")


def walk_seconds(folder: Path) -> float:
    started = time.process_time()
    waiting = [os.fsencode(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for entry in listing:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
    return time.process_time() - started


def library(photos: Path, files: int) -> None:
    with tempfile.TemporaryDirectory() as work:
        folder, home = Path(work, "library"), Path(work, "home")
        make_library(folder, photos, files)
        home.mkdir()
        (home / "config.toml").write_text(LIBRARY_CONFIG)
        first, wall, _ = measured(dedupctl(home, "scan", str(folder)))
        print(f"first scan of {files} files: {wall:.0f} s wall, {first.cpu_seconds:.0f} CPU s")
        print(f"memory of all its processes together, at the peak: {first.peak_bytes / 1e6:.0f} MB")
        walk = min(walk_seconds(folder) for _ in range(3))
        measured(dedupctl(Path(work, "empty"), "scan", str(_empty(Path(work)))))  # makes the home, as `first` did
        start, _, _ = measured(dedupctl(Path(work, "empty"), "scan"))
        second, _, output = measured(dedupctl(home, "scan", "--json"))
        summary = json.loads(output)
        assert summary["unchanged"] == files, summary
        spent = second.cpu_seconds - start.cpu_seconds
        print(f"bare walk {walk:.2f} CPU s; second scan {second.cpu_seconds:.2f}, {spent:.2f} less the start")
        print(f"second scan / bare walk: {spent / walk:.2f}   files read: {summary['new'] + summary['changed']}")
        latency(home, folder)


def latency(home: Path, folder: Path, rounds: int = 5) -> None:
    """From the end of a copy until `clusters` shows it, less the settle time.

    The catalog is watched for the file, then `clusters` is called once: called again and again, it would be in the way
    of the daemon, and a file that came just too late for one call would wait for all of the next.
    """
    source = next(folder.rglob("*.jpg"))
    with running_daemon(home):
        waits = []
        for number in range(rounds):
            copy = folder / f"copied-{number}.jpg"
            shutil.copy(source, copy)
            started = time.monotonic()
            while not _is_known(home, copy):
                time.sleep(0.02)
            assert str(copy) in _clusters(home)
            waits.append(time.monotonic() - started - SETTLE_SECONDS)
        print("copied file until `clusters` shows it, less the settle time: " + ", ".join(f"{w:.2f} s" for w in waits))


def _is_known(home: Path, path: Path) -> bool:
    with closing(sqlite3.connect(f"file:{home}/catalog.db?mode=ro", uri=True)) as catalog:
        query = "SELECT 1 FROM files WHERE name = ? AND state = 'present'"
        return catalog.execute(query, (bytes(path.name, "utf-8"),)).fetchone() is not None


def _clusters(home: Path) -> str:
    return subprocess.run(dedupctl(home, "clusters", "--json"), capture_output=True, text=True, check=True).stdout


@contextmanager
def running_daemon(home: Path) -> Iterator[None]:
    with subprocess.Popen(dedupctl(home, "watch"), stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if line.startswith("scan (start)"):
                break
        yield
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    about_cost = commands.add_parser("cost")
    about_cost.add_argument("--photos", type=Path, required=True)
    about_cost.add_argument("--copies", type=int, default=1)
    about_library = commands.add_parser("library")
    about_library.add_argument("--photos", type=Path, required=True)
    about_library.add_argument("--files", type=int, default=60_000)
    chosen = parser.parse_args()
    if chosen.command == "cost":
        cost(chosen.photos, chosen.copies)
    else:
        library(chosen.photos, chosen.files)


if __name__ == "__main__":
    main()
