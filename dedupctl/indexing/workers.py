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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, TypeAlias

from pebble import ProcessExpired, ProcessPool

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import Config
from dedupctl.domain import Evidence, Unreadable
from dedupctl.errors import DedupctlError
from dedupctl.fingerprint.fingerprinter import Fingerprinter, thumbnail_of
from dedupctl.matching.comparison import Case, Comparer

WorkFunction: TypeAlias = "Callable[[list[Any]], Batch]"

START_TRIES = 3
"""Pools that break one after the other, without a result in between, before it is no accident any more."""


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
        self._initargs = (config, catalog_path)
        self._guard = threading.Lock()
        self._pool = self._new_pool()
        self._broken: list[ProcessPool] = []
        self._breaks = 0

    def start(self) -> Future[Batch]:
        """Start the processes before there is work, whose first batch would wait a second for them."""
        return self._schedule(_read, [])

    def read(self, paths: Sequence[bytes]) -> Future[Batch]:
        """Fingerprint these files: a `Read | Unreadable` for each.

        The answer raises DedupctlError for what no file is to blame for: the model, the catalog, the pool itself.
        """
        return self._schedule(_read, list(paths))

    def judge(self, cases: Sequence[Case]) -> Future[Batch]:
        """Compare these candidates: an `Evidence | None | Unreadable` for each. Raises as `read`."""
        return self._schedule(_judge, list(cases))

    def embed(self, thumbnails: Sequence[bytes]) -> Future[Batch]:
        """Vectors of these thumbnails by the configured model: a `FloatArray | Unreadable` for each."""
        return self._schedule(_embed, list(thumbnails))

    def thumbnails(self, paths: Sequence[bytes]) -> Future[Batch]:
        """Thumbnails of these files, made anew: `bytes | None | Unreadable` for each."""
        return self._schedule(_thumbnails, list(paths))

    def close(self) -> None:
        """Stop at once; work that was not collected is lost and will be done again."""
        for pool in [self._pool, *self._broken]:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self.count,
            initializer=_start_worker,
            initargs=self._initargs,
            context=_start_method(),
        )

    def _schedule(self, work: WorkFunction, items: list[Any]) -> Future[Batch]:
        answer: Future[Batch] = Future()
        answer.set_running_or_notify_cancel()
        self._attempt(answer, work, items)
        return answer

    def _attempt(self, answer: Future[Batch], work: WorkFunction, items: list[Any]) -> None:
        with self._guard:
            pool = self._pool
        try:
            with _interrupts_held_back():
                attempt = pool.schedule(work, args=[items], timeout=self._patience)
        except RuntimeError:  # the pool has broken, but what it was doing then has not been handed back yet
            self._attempt_anew(answer, work, items, pool)
        else:
            attempt.add_done_callback(lambda done: self._settle(answer, done, work, items, pool))

    def _attempt_anew(self, answer: Future[Batch], work: WorkFunction, items: list[Any], broken: ProcessPool) -> None:
        """A worker that dies while it has nothing to do takes the whole pool with it; another pool goes on."""
        with self._guard:
            if self._pool is broken:
                self._breaks += 1
                self._broken.append(broken)
                self._pool = self._new_pool()
            is_hopeless = self._breaks >= START_TRIES
        if is_hopeless:
            answer.set_exception(DedupctlError("the worker processes die as soon as they are started"))
        else:
            self._attempt(answer, work, items)

    def _settle(
        self, answer: Future[Batch], done: Future[Batch], work: WorkFunction, items: list[Any], pool: ProcessPool
    ) -> None:
        """Pass a result on. Where a batch killed its worker each item goes alone, and answers for itself."""
        if done.cancelled():
            return  # closed: nobody waits any more
        error = done.exception()
        if error is None:
            self._breaks = 0
            answer.set_result(done.result())
        elif isinstance(error, BrokenProcessPool):
            self._attempt_anew(answer, work, items, pool)
        elif isinstance(error, DedupctlError):  # our own stores or settings fail, which no file is to blame for
            answer.set_exception(error)
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
        failed = next((error for part in parts if (error := part.exception()) is not None), None)
        if failed is not None:
            answer.set_exception(failed)
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
    """What one worker process keeps between batches. Made with the first one, whose answer then tells what failed."""

    def __init__(self, config: Config, catalog_path: Path) -> None:
        self._config = config
        self._catalog_path = catalog_path
        self.judge = Comparer()
        self.max_pixels = config.scan.max_megapixels * 1_000_000

    @cached_property
    def fingerprinter(self) -> Fingerprinter:
        return Fingerprinter(self._config)

    @cached_property
    def _catalog(self) -> Catalog:
        return Catalog.open(self._catalog_path)

    def is_known(self, digest: bytes) -> bool:
        """Nothing would be learned by decoding it."""
        with self._catalog.read() as tx:
            content_id = tx.contents.id_of(digest)
            return content_id is not None and not tx.imported.must_be_read(content_id)


_process: _Process | None = None  # one a worker process, set once by the pool's initializer, which can pass no value on


def _start_worker(config: Config, catalog_path: Path) -> None:
    global _process  # noqa: PLW0603
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff and LibRaw print about broken files, each in its own words
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


def _embed(thumbnails: list[bytes]) -> Batch:
    assert _process is not None
    started = time.process_time()
    vectors = [_process.fingerprinter.vectors_of(thumbnail) for thumbnail in thumbnails]
    return Batch(vectors, time.process_time() - started)


def _thumbnails(paths: list[bytes]) -> Batch:
    assert _process is not None
    started = time.process_time()
    made = [thumbnail_of(path, _process.max_pixels) for path in paths]
    return Batch(made, time.process_time() - started)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started in this block never hear Ctrl-C: it is the parent's to handle, and it stops the pool.

    A terminal sends SIGINT to all of them, and one that is still importing would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_method() -> BaseContext:
    """forkserver shares the imports between workers; spawn where there is none. Never fork: we have threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # else each worker would import everything by itself
    return context
