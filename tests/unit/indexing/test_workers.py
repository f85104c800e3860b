"""A decoder may crash, hang or be killed: the file answers for it, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from PIL import Image
from poison import PoisonedWorkers
from rendered_library import drawn
from running import await_true

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.retries import PAUSES
from dedupctl.config import Config, ModelConfig, ScanConfig
from dedupctl.domain import FileState, ScanSummary, Unreadable
from dedupctl.errors import ConfigError, DedupctlError
from dedupctl.fingerprint.fingerprinter import Read
from dedupctl.indexing import pool
from dedupctl.indexing import workers as workers_module
from dedupctl.indexing.budget import MEGABYTE, Budget
from dedupctl.indexing.pipeline import Pipeline
from dedupctl.indexing.roots import scan_targets
from dedupctl.indexing.visit import visit_targets
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

SECONDS = 1.0
"""Of CPU: plenty for a picture of 64 x 48 pixels."""


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
    with closing(PoisonedWorkers(config(SECONDS), catalog_path)) as workers:
        a, deadly, b, endless, c = workers.read(paths).result().results
    assert all(isinstance(outcome, Read) and outcome.fingerprint is not None for outcome in (a, b, c))
    assert isinstance(deadly, Unreadable)
    assert deadly.code == "crash"
    assert isinstance(endless, Unreadable)
    assert endless.code == "timeout"


def test_a_decoder_that_waits_for_ever_is_stopped_although_it_takes_no_cpu_time(
    tmp_path: Path, catalog_path: Path
) -> None:
    with closing(PoisonedWorkers(config(0.3), catalog_path)) as workers:
        (outcome,) = workers.read([picture(tmp_path / "sleepy.png", 1)]).result().results
    assert outcome == Unreadable("timeout", "it could not be read within 6 s")


def test_the_clock_starts_anew_for_each_file_of_a_batch(tmp_path: Path, catalog_path: Path) -> None:
    paths = [picture(tmp_path / f"busy-3-{seed}.png", seed) for seed in range(5)]
    with closing(PoisonedWorkers(config(SECONDS), catalog_path)) as workers:
        assert all(isinstance(outcome, Read) for outcome in workers.read(paths).result().results)


def test_a_file_whose_worker_was_killed_from_outside_is_read_when_it_is_tried_again(
    tmp_path: Path, catalog_path: Path
) -> None:
    paths = [picture(tmp_path / f"unlucky{seed}.png", seed) for seed in range(5)]
    with closing(PoisonedWorkers(config(), catalog_path)) as workers:
        outcomes = workers.read(paths).result().results
    assert all(isinstance(outcome, Read) for outcome in outcomes)


def test_what_takes_more_memory_than_one_among_others_may_is_read_alone(tmp_path: Path, catalog_path: Path) -> None:
    moderate, large, too_large = (
        picture(tmp_path / f"greedy-{megabytes}-.png", megabytes) for megabytes in (100, 500, 2000)
    )
    with closing(PoisonedWorkers(config(), catalog_path)) as workers:
        outcomes = workers.read([moderate, large, too_large]).result().results
    assert isinstance(outcomes[0], Read)
    assert isinstance(outcomes[1], Read)
    assert outcomes[2] == Unreadable("memory", "there is not enough memory to decode it")


@pytest.mark.parametrize("megabytes", [800, 100_000])
def test_large_pictures_take_turns(tmp_path: Path, catalog_path: Path, megabytes: int) -> None:
    paths = [picture(tmp_path / f"greedy-400-turns{seed}.png", seed) for seed in range(3)]
    settings = Config(scan=ScanConfig(workers=2, memory_mb=megabytes))
    with closing(PoisonedWorkers(settings, catalog_path)) as workers:
        for answer in [workers.read([path]) for path in paths]:
            answer.result()
    turns = sorted(tuple(map(float, Path(os.fsdecode(path) + ".turn").read_text().split())) for path in paths)
    assert all(before[1] <= after[0] for before, after in pairwise(turns))


def test_ordinary_pictures_are_read_beside_a_large_one_only_where_there_is_room(
    tmp_path: Path, catalog_path: Path
) -> None:
    budget = Budget(total=1000 * MEGABYTE, largest=800 * MEGABYTE)
    large = picture(tmp_path / "greedy-400-turns.png", 1)
    small = [picture(tmp_path / f"when-{seed}.png", seed) for seed in range(40)]
    with closing(PoisonedWorkers(Config(scan=ScanConfig(workers=2)), catalog_path)) as workers:
        workers._pool._budget = budget
        for answer in [workers.read([path]) for path in [large, *small]]:
            answer.result()
    begun, ended = map(float, Path(os.fsdecode(large) + ".turn").read_text().split())
    times = [float(Path(os.fsdecode(path) + ".when").read_text()) for path in small]
    assert not [at for at in times if begun < at < ended]


def test_a_worker_gives_back_what_a_large_picture_took(tmp_path: Path, catalog_path: Path) -> None:
    small, large = picture(tmp_path / "a.png", 1), picture(tmp_path / "greedy-1200-.png", 2)
    with closing(PoisonedWorkers(config(), catalog_path)) as workers:
        workers.read([small]).result()
        before = max(process.memory_info().rss for process in worker_processes())
        assert isinstance(workers.read([large]).result().results[0], Read)
        workers.read([small]).result()
        assert max(process.memory_info().rss for process in worker_processes()) < before + (64 << 20)


def two_files_of_one_picture(folder: Path, side: int) -> tuple[bytes, bytes]:
    image = Image.new("RGB", (side, side), "red")
    paths = folder / "a.png", folder / "a.bmp"
    for path in paths:
        image.save(path)
    return os.fsencode(paths[0]), os.fsencode(paths[1])


def test_the_same_pixels_are_told_from_others(tmp_path: Path, catalog_path: Path) -> None:
    one, other = two_files_of_one_picture(tmp_path, 64)
    with closing(Workers(config(), catalog_path)) as workers:
        assert workers.same_pixels(one, other) is True
        assert workers.same_pixels(one, picture(tmp_path / "b.png", 1)) is False
        missing = workers.same_pixels(one, os.fsencode(tmp_path / "none.png"))
    assert isinstance(missing, Unreadable)


def test_pixels_are_compared_alone_where_that_takes_much_memory(tmp_path: Path, catalog_path: Path) -> None:
    one, other = two_files_of_one_picture(tmp_path, 5500)  # 333 MB by the estimate of `pixels`
    with closing(Workers(config(), catalog_path)) as workers:
        assert workers.same_pixels(one, other) is True
    small = Config(scan=ScanConfig(workers=1, worker_memory_mb=256))
    with closing(Workers(small, catalog_path)) as workers:
        refused = workers.same_pixels(one, other)
    assert isinstance(refused, Unreadable)
    assert refused.code == "memory"


def test_whoever_waits_for_a_long_comparison_keeps_beating(
    tmp_path: Path, catalog_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "BEAT_SECONDS", 0.001)
    beats: list[None] = []
    with closing(Workers(config(), catalog_path)) as workers:
        workers.same_pixels(*two_files_of_one_picture(tmp_path, 1000), beat=lambda: beats.append(None))
    assert len(beats) > 1


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
        wanted = scan_targets(workspace.catalog, [os.fsencode(photos)])
        with closing(PoisonedWorkers(config(), workspace.catalog.path)) as workers:
            pipeline = Pipeline(workspace, workspace.open_index().index, workers)
            first = visit_targets(workspace, pipeline, wanted, lambda *_: None)
            second = visit_targets(workspace, pipeline, wanted, lambda *_: None)
        with workspace.catalog.read() as tx:
            counts = tx.files.count()
            ((located, why),) = tx.files.errors()
    assert (first.new, first.errors) == (20, 1)
    assert (second.unchanged, second.errors) == (20, 0)
    assert counts == {FileState.PRESENT: 19, FileState.ERROR: 1, FileState.GONE: 0}
    assert (located.file.path, why.code) == (b"deadly.png", "crash")


def test_a_file_that_could_not_be_read_for_what_may_pass_is_read_by_a_later_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    path = picture(photos / "greedy-300-.png", 1)
    small, large = (Config(scan=ScanConfig(workers=1, worker_memory_mb=size)) for size in (256, 2048))
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        wanted = scan_targets(workspace.catalog, [os.fsencode(photos)])

        def scan(settings: Config) -> tuple[FileState, ScanSummary]:
            with closing(PoisonedWorkers(settings, workspace.catalog.path)) as workers:
                pipeline = Pipeline(workspace, workspace.open_index().index, workers)
                summary = visit_targets(workspace, pipeline, wanted, lambda *_: None)
            with workspace.catalog.read() as tx:
                (root,) = tx.roots.all()
                file = tx.files.at(root.id, os.path.basename(path))
            assert file is not None
            return file.state, summary

        assert scan(small)[0] is FileState.ERROR
        assert scan(large)[0] is FileState.ERROR, "too early"
        later = time.time() + PAUSES[0]
        monkeypatch.setattr(time, "time", lambda: later)
        state, summary = scan(large)
        assert state is FileState.PRESENT
        assert (summary.unchanged, summary.changed) == (1, 0)


def test_workers_killed_while_idle_are_replaced_and_none_is_left_over(tmp_path: Path, catalog_path: Path) -> None:
    paths = [picture(tmp_path / f"{seed}.png", seed) for seed in range(4)]
    with closing(Workers(Config(scan=ScanConfig(workers=2)), catalog_path)) as workers:
        for victim in range(5):
            for answer in [workers.read([path]) for path in paths]:
                assert isinstance(answer.result().results[0], Read)
            processes = worker_processes()
            assert 1 <= len(processes) <= 2
            processes[victim % len(processes)].kill()


def test_workers_outlive_the_server_that_forked_them(tmp_path: Path, catalog_path: Path) -> None:
    path = picture(tmp_path / "a.png", 1)
    with closing(Workers(config(), catalog_path)) as workers:
        workers.read([path]).result()
        (worker,) = worker_processes()
        server = worker.parent()
        assert server is not None
        server.kill()
        worker.kill()
        await_true(lambda: server.status() == psutil.STATUS_ZOMBIE, "the server is dead")
        assert isinstance(workers.read([path]).result().results[0], Read)


def test_what_cannot_be_started_is_told(tmp_path: Path, catalog_path: Path) -> None:
    with closing(Workers(config(), catalog_path)) as workers:
        workers._pool._fresh = sys.exit  # each process ends before it begins anything
        with pytest.raises(DedupctlError, match="as soon as they are started"):
            workers.read([picture(tmp_path / "a.png", 1)]).result(timeout=60)


def test_workers_without_work_end_and_come_back(
    tmp_path: Path, catalog_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)
    path = picture(tmp_path / "a.png", 1)
    with closing(Workers(config(), catalog_path)) as workers:
        workers.read([path]).result()
        _, alive = psutil.wait_procs(worker_processes(), timeout=30)
        assert not alive
        assert isinstance(workers.read([path]).result().results[0], Read)


def test_whoever_waits_for_an_answer_is_told_when_the_workers_are_stopped(tmp_path: Path, catalog_path: Path) -> None:
    workers = PoisonedWorkers(config(), catalog_path)
    answer = workers.read([picture(tmp_path / "sleepy.png", 1)])
    workers.close()
    with pytest.raises(DedupctlError, match="stopped"):
        answer.result(timeout=30)
    with pytest.raises(DedupctlError, match="stopped"):
        workers.read([]).result(timeout=30)


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


def test_workers_of_a_killed_parent_end_by_themselves(parent: subprocess.Popen[bytes]) -> None:
    orphans = psutil.Process(parent.pid).children(recursive=True)
    assert len(orphans) >= 2, "a server and a worker"
    parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=30)
    assert not alive
