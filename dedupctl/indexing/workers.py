"""The caged decoders: worker processes that read, digest, decode, hash and embed.

A decoder fed with a broken file may crash, hang or eat memory. It does so in a process of its own: the file becomes an
error row, the worker is replaced, and the scan goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeAlias

from pebble import ProcessExpired, ProcessPool

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import Config
from dedupctl.domain import Evidence, Unreadable
from dedupctl.fingerprint.fingerprinter import Fingerprinter
from dedupctl.matching.judging import Case, Judge

WorkFunction: TypeAlias = "Callable[[list[Any]], Batch]"


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of the items a worker was given, in order: its result, or the Unreadable it killed its worker with."""

    results: list[Any]
    cpu_seconds: float


class Workers:
    """A pool of processes. Ended with `close`; a dead or hung worker is replaced."""

    def __init__(self, config: Config, catalog_path: Path) -> None:
        self.count = config.scan.workers or os.cpu_count() or 1
        self._patience = config.scan.decode_seconds
        self._pool = ProcessPool(
            max_workers=self.count,
            initializer=_start_worker,
            initargs=(config, catalog_path),
            context=multiprocessing.get_context(_start_method()),
        )

    def read(self, paths: Sequence[bytes]) -> Future[Batch]:
        """Fingerprint these files: a `Read | Unreadable` for each."""
        return self._schedule(_read, list(paths))

    def judge(self, cases: Sequence[Case]) -> Future[Batch]:
        """Compare these candidates: an `Evidence | None | Unreadable` for each."""
        return self._schedule(_judge, list(cases))

    def close(self) -> None:
        """Stop at once; work that was not collected is lost and will be done again."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _schedule(self, work: WorkFunction, items: list[Any]) -> Future[Batch]:
        answer: Future[Batch] = Future()
        attempt = self._pool.schedule(work, args=[items], timeout=self._patience)
        attempt.add_done_callback(lambda done: self._settle(answer, done, work, items))
        return answer

    def _settle(self, answer: Future[Batch], done: Future[Batch], work: WorkFunction, items: list[Any]) -> None:
        """Pass a result on. Where a batch killed its worker each item goes alone, and answers for itself."""
        if done.cancelled():
            answer.cancel()
            return
        error = done.exception()
        if error is None:
            answer.set_result(done.result())
        elif len(items) == 1:
            answer.set_result(Batch([_failure(error)], 0.0))
        else:
            _gather(answer, [self._schedule(work, [item]) for item in items])


def _gather(answer: Future[Batch], parts: list[Future[Batch]]) -> None:
    """Resolve `answer` with the results of all parts once the last of them has come."""
    waiting = len(parts)
    guard = threading.Lock()

    def arrived(_: Future[Batch]) -> None:
        nonlocal waiting
        with guard:
            waiting -= 1
            if waiting:
                return
        if any(part.cancelled() for part in parts):
            answer.cancel()
            return
        batches = [part.result() for part in parts]
        answer.set_result(Batch([batch.results[0] for batch in batches], sum(batch.cpu_seconds for batch in batches)))

    for part in parts:
        part.add_done_callback(arrived)


def _failure(error: BaseException) -> Unreadable:
    """Why a worker that was given a single item never answered."""
    if isinstance(error, ProcessExpired):
        return Unreadable("crash", f"the decoder crashed on it (exit code {error.exitcode})")
    if isinstance(error, FutureTimeout):
        return Unreadable("timeout", "the decoder did not finish in time")
    return Unreadable("internal", f"{type(error).__name__}: {error}")


class _Process:
    """What one worker process keeps between batches."""

    def __init__(self, config: Config, catalog_path: Path) -> None:
        self.fingerprinter = Fingerprinter(config)
        self.catalog = Catalog.open(catalog_path)
        self.judge = Judge()

    def is_known(self, digest: bytes) -> bool:
        with self.catalog.read() as tx:
            return tx.contents.id_of(digest) is not None


_process: _Process | None = None  # one a worker process, set once by the pool's initializer, which can pass no value on


def _start_worker(config: Config, catalog_path: Path) -> None:
    global _process  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it stops the pool
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _process = _Process(config, catalog_path)


def _die_with_parent() -> None:
    """A parent killed with SIGKILL cannot stop its pool; orphans would decode on for nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _read(paths: list[bytes]) -> Batch:
    assert _process is not None
    started = time.process_time()
    outcomes = [_process.fingerprinter.read(path, _process.is_known) for path in paths]
    return Batch(outcomes, time.process_time() - started)


def _judge(cases: list[Case]) -> Batch:
    assert _process is not None
    started = time.process_time()
    evidence: list[Evidence | None] = [_process.judge.evidence(case) for case in cases]
    return Batch(evidence, time.process_time() - started)


def _start_method() -> str:
    """forkserver shares the imports between workers; spawn where there is none. Never fork: we have threads."""
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
