"""A scan is killed at random moments, again and again: nothing is lost or there twice, and the rest comes later."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from rendered_library import drawn
from running import await_true, command, session_ended

from dedupctl.domain import FileState, FloatArray, PairKind
from dedupctl.fingerprint.embedder import BUILT_IN_DIM, Embedder
from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read
from dedupctl.indexing.check import find_faults
from dedupctl.workspace import Workspace

KILLS = 50
KILLS_AS_INSTALLED = 3
LONGEST = 1.5
"""Seconds after which a scan is killed at the latest."""
CONFIG = """
[scan]
workers = 2
[model]
propose_cosine = 0.95  # drawn pictures resemble each other more than photos do
similar_cosine = 0.95
"""

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no fork"),
    pytest.mark.timeout(400),
]


def render(photos: Path) -> None:
    """Tiny pictures; of some there is a copy with the same bytes, in another format, or of another size."""
    photos.mkdir()
    for number in range(110):
        folder = photos / str(number % 7)
        folder.mkdir(exist_ok=True)
        picture = drawn(number, 96, 72)
        picture.save(folder / f"{number}.png")
        if number % 5 == 0:
            shutil.copy(folder / f"{number}.png", photos / f"copy of {number}.png")
        if number % 6 == 0:
            picture.save(photos / f"{number}.bmp")
        if number % 7 == 0:
            picture.resize((80, 60)).save(photos / f"small {number}.jpg", quality=90)


def launch_scans(home: Path, photos: Path) -> None:
    """What the launcher does: each line that it reads is a scan in a process of its own.

    To start everything anew would take ten times longer than the scan that is to be killed. So all is imported here
    once, and the vectors are those of a model that needs no start.
    """
    from dedupctl.cli import main

    Embedder.embed = simple_vectors  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder, Workspace.open(Path(folder), create=True) as workspace:
        picture = next(photos.rglob("*.png"))
        assert isinstance(Fingerprinter(workspace.config).read(os.fsencode(picture)), Read)
    sys.argv = ["dedupctl", "--home", str(home), "scan", str(photos)]
    for _ in sys.stdin:
        scan = os.fork()
        if scan == 0:
            os.setsid()
            os.dup2(2, 1)
            code: object = 1
            try:
                main()
            except SystemExit as end:
                code = end.code
            os._exit(int(str(code or 0)))
        print(scan, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(scan, 0)[1]), flush=True)  # noqa: T201


def simple_vectors(_: Embedder, images: Sequence[Image.Image]) -> FloatArray:
    """A picture's own coarse pixels."""
    pixels = [np.asarray(image.resize((8, 5)), np.float32).ravel() - 128 for image in images]
    padded = np.pad(np.stack(pixels), ((0, 0), (0, BUILT_IN_DIM - len(pixels[0]))), constant_values=1)
    return padded / np.linalg.norm(padded, axis=1, keepdims=True)


@dataclass
class Launcher:
    """Starts scans at once and tells how they ended."""

    home: Path
    photos: Path
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Launcher:
        arguments = [sys.executable, __file__, str(self.home), str(self.photos)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.__exit__(*exception)  # type: ignore[arg-type]

    def start(self) -> int:
        """The process id of a scan that has just begun."""
        assert self._process.stdin is not None
        self._process.stdin.write("scan\n")
        self._process.stdin.flush()
        return self._answer()

    def exit_code(self) -> int:
        """How it ended, once it has; minus the signal that ended it. Its workers have ended, too."""
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@dataclass(frozen=True)
class Knowledge:
    """What a catalog says, told by digests: ids depend on the order in which files were read."""

    files: dict[bytes, bytes]
    pairs: set[tuple[frozenset[bytes], PairKind | None]]


def knowledge(workspace: Workspace) -> Knowledge:
    with workspace.catalog.read() as tx:
        located = list(tx.files.present())
        contents = tx.contents.get([one.file.content_id or 0 for one in located])
        digests = {content_id: content.digest for content_id, content in contents.items()}
        return Knowledge(
            files={one.path: digests[one.file.content_id or 0] for one in located},
            pairs={(frozenset({digests[pair.a], digests[pair.b]}), pair.kind) for pair in tx.pairs.all()},
        )


def check_consistent(home: Path) -> None:
    """Catalog and index agree, every file has a whole content, and no content is there twice."""
    if not (home / "catalog.db").exists():
        return
    with Workspace.open(home, create=True) as workspace:
        assert workspace.catalog.integrity() == []
        with workspace.catalog.read() as tx:
            labels = tx.embeddings.labels(workspace.model_id)
            files = list(tx.files.present())
            held = {one.file.content_id or 0 for one in files}
            contents = tx.contents.get(held)
            vectors = tx.embeddings.of_contents(workspace.model_id, held)
            hashes = tx.contents.hash_of(list(held), "phash8")
            assert tx.contents.count() == len(contents)
        assert contents.keys() == vectors.keys() == hashes.keys() == held
        assert len({content.digest for content in contents.values()}) == len(contents)
        assert sorted(label for parts in vectors.values() for label, _ in parts) == sorted(labels)
        np.testing.assert_array_equal(workspace.open_index().index.labels(), labels)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = tmp_path_factory.mktemp("killed") / "photos"
    render(photos)
    return photos


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    begin_anew(home)
    return home


def begin_anew(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "config.toml").write_text(CONFIG)


def finish(launcher: Launcher, home: Path) -> Knowledge:
    """Let a scan run to its end; everything is whole then."""
    launcher.start()
    assert launcher.exit_code() == 0
    with Workspace.open(home) as workspace:
        assert find_faults(workspace) == []
        with workspace.catalog.read() as tx:
            assert tx.contents.count_unmatched() == 0
            assert tx.files.count()[FileState.ERROR] == 0
        return knowledge(workspace)


def test_killed_at_any_moment_a_scan_leaves_what_the_next_one_completes(photos: Path, home: Path) -> None:
    chance = random.Random(20)
    killed = completed = 0
    with Launcher(home, photos) as launcher:
        started = time.monotonic()
        undisturbed = finish(launcher, home)
        longest = min(LONGEST, 1.2 * (time.monotonic() - started))
        assert len(undisturbed.files) == sum(1 for path in photos.rglob("*.*") if path.is_file())
        begin_anew(home)
        while killed < KILLS:
            scan = launcher.start()
            time.sleep(chance.uniform(0, longest))
            with contextlib.suppress(ProcessLookupError):
                os.kill(scan, signal.SIGKILL)
            code = launcher.exit_code()
            await_true(lambda leader=scan: session_ended(leader), "its workers end")  # type: ignore[misc]
            check_consistent(home)
            if code == 0:
                completed += 1
                with Workspace.open(home) as workspace:
                    assert knowledge(workspace) == undisturbed
                begin_anew(home)
            else:
                assert code == -signal.SIGKILL
                killed += 1
        assert finish(launcher, home) == undisturbed
    assert killed == KILLS


def test_killed_as_it_is_installed_it_takes_its_workers_along(photos: Path, home: Path) -> None:
    chance = random.Random(4)
    for _ in range(KILLS_AS_INSTALLED):
        with subprocess.Popen(
            command(home, "scan", photos), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as scan:
            await_true(lambda leader=scan.pid: has_workers(leader), "it starts its workers")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 1.0))
            scan.kill()
        await_true(lambda leader=scan.pid: session_ended(leader), "its workers end")  # type: ignore[misc]
        check_consistent(home)


def has_workers(scan: int) -> bool:
    """There is a server of workers, and it has made some; also true once the scan has ended."""
    try:
        process = psutil.Process(scan)
        return process.status() == psutil.STATUS_ZOMBIE or any(child.children() for child in process.children())
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    launch_scans(Path(sys.argv[1]), Path(sys.argv[2]))
