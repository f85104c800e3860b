"""A decoder may crash, hang or be killed: the file answers for it, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from poison import PoisonedWorkers
from rendered_library import drawn

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import Config, ModelConfig, ScanConfig
from dedupctl.domain import FileState, Unreadable
from dedupctl.errors import ConfigError
from dedupctl.fingerprint.fingerprinter import Read
from dedupctl.indexing.library import visit_places
from dedupctl.indexing.pipeline import Pipeline
from dedupctl.indexing.roots import places
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

PATIENCE = 5.0


@pytest.fixture
def catalog_path(tmp_path: Path) -> Path:
    Catalog.open(tmp_path / "catalog.db").close()
    return tmp_path / "catalog.db"


def picture(path: Path, seed: int) -> bytes:
    drawn(seed, 64, 48).save(path, "PNG")
    return os.fsencode(path)


def config(seconds: float = 60.0) -> Config:
    return Config(scan=ScanConfig(workers=1, decode_seconds=seconds))


def worker_processes() -> list[psutil.Process]:
    """Children of the server that forks them; there once the first answer has come."""
    return [child for server in psutil.Process().children() for child in server.children()]


def test_a_file_that_kills_or_hangs_its_worker_is_an_error_and_its_neighbours_are_read(
    tmp_path: Path, catalog_path: Path
) -> None:
    names = ["a.png", "deadly.png", "b.png", "endless.png", "c.png"]
    paths = [picture(tmp_path / name, seed) for seed, name in enumerate(names)]
    with closing(PoisonedWorkers(config(PATIENCE), catalog_path)) as workers:
        a, deadly, b, endless, c = workers.read(paths).result().results
    assert all(isinstance(outcome, Read) and outcome.fingerprint is not None for outcome in (a, b, c))
    assert isinstance(deadly, Unreadable)
    assert deadly.code == "crash"
    assert endless == Unreadable("timeout", "the decoder did not finish in time")


def test_workers_can_be_started_before_there_is_work(tmp_path: Path, catalog_path: Path) -> None:
    with closing(Workers(config(), catalog_path)) as workers:
        workers.start().result()
        started = worker_processes()
        workers.read([picture(tmp_path / "a.png", 1)]).result()
        assert worker_processes() == started != []


def test_a_scan_goes_on_past_a_file_that_kills_its_worker_and_does_not_try_it_again(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(20):
        picture(photos / (f"{seed}.png" if seed != 7 else "deadly.png"), seed)
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        wanted = places(workspace.catalog, [os.fsencode(photos)])
        with closing(PoisonedWorkers(config(), workspace.catalog.path)) as workers:
            pipeline = Pipeline(workspace, workspace.open_index().index, workers)
            first = visit_places(workspace, pipeline, wanted, lambda *_: None)
            second = visit_places(workspace, pipeline, wanted, lambda *_: None)
        with workspace.catalog.read() as tx:
            counts = tx.files.count()
            ((located, why),) = tx.files.errors()
    assert (first.new, first.errors) == (20, 1)
    assert (second.unchanged, second.errors) == (20, 0)
    assert counts == {FileState.PRESENT: 19, FileState.ERROR: 1, FileState.GONE: 0}
    assert (located.file.path, why.code) == (b"deadly.png", "crash")


def test_workers_killed_while_idle_are_replaced(tmp_path: Path, catalog_path: Path) -> None:
    path = picture(tmp_path / "a.png", 1)
    with closing(Workers(config(), catalog_path)) as workers:
        workers.read([path]).result()
        idle = worker_processes()
        assert idle
        for process in idle:
            process.kill()
        (outcome,) = workers.read([path]).result().results
    assert isinstance(outcome, Read)


def test_what_no_file_is_to_blame_for_is_raised_and_not_written_to_its_row(tmp_path: Path, catalog_path: Path) -> None:
    paths = [picture(tmp_path / f"{seed}.png", seed) for seed in range(3)]
    broken = Config(scan=ScanConfig(workers=1), model=ModelConfig(path=tmp_path / "missing.onnx"))
    with closing(Workers(broken, catalog_path)) as workers, pytest.raises(ConfigError, match=r"missing\.onnx"):
        workers.read(paths).result()


def test_answers_nobody_waited_for_are_dropped_without_a_word(
    tmp_path: Path, catalog_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Workers(config(), catalog_path)) as workers:
        left = [workers.read([picture(tmp_path / f"{seed}.png", seed)]) for seed in range(4)]
        for answer in left:
            answer.cancel()
        workers.read([picture(tmp_path / "last.png", 9)]).result()
    assert not caplog.records


PARENT = """
import sys
from pathlib import Path
from dedupctl.config import Config
from dedupctl.indexing.workers import Workers

if __name__ == "__main__":
    workers = Workers(Config(), Path(sys.argv[1]))
    workers.read([sys.argv[2].encode()]).result()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(tmp_path: Path, catalog_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(catalog_path), os.fsdecode(picture(tmp_path / "a.png", 1))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_workers_of_a_killed_parent_end_by_themselves(parent: subprocess.Popen[bytes]) -> None:
    orphans = psutil.Process(parent.pid).children(recursive=True)
    assert len(orphans) >= 3, "a server and workers"
    parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=30)
    assert not alive
