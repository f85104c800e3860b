"""A pool of caged processes. If one dies, the others continue, and its unstarted items go to another process.

An item that killed its process, or needed more memory than allowed, is tried once more later as a large item, which
waits until the memory budget has room for it. Nothing is polled, and idle processes end after a while, so an idle pool
costs nothing.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from dedupctl.errors import DedupctlError
from dedupctl.indexing import cage
from dedupctl.indexing.budget import ORDINARY, OWN, Budget
from dedupctl.indexing.cage import Allowance, Begun, Done, Order, Outcome, Work

START_TRIES = 3
"""After this many consecutive processes die before starting any work, the pool gives up."""
IDLE_SECONDS = 60.0
"""How long a process may be idle before it is ended, which frees 150 MB."""


@dataclass(frozen=True, slots=True)
class Death:
    """The result of an item that killed its process twice."""

    exitcode: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The results of the submitted items, in order."""

    results: list[Any]
    cpu_seconds: float


@dataclass(eq=False, slots=True)
class _Job:
    """Items submitted together, and their results so far."""

    items: list[Any]
    answer: Future[Batch]
    results: dict[int, Any] = field(default_factory=dict)
    cpu_seconds: float = 0.0


@dataclass(eq=False, slots=True)
class _Task:
    """Some items of one job, for one process. `places` are their positions in the job."""

    job: _Job
    work: Work
    seconds: float
    places: list[int]
    is_large: bool = False
    begun: bool = False

    @property
    def items(self) -> list[Any]:
        return [self.job.items[place] for place in self.places]


@dataclass(eq=False, slots=True)
class _Process:
    process: BaseProcess
    connection: Connection
    idle_since: float
    task: _Task | None = None
    proven: bool = False
    """It has started some work, so starting processes is possible."""


class Pool:
    """Processes started when there is work. One thread manages them; `close` ends all.

    Args:
        wants_more: whether an item with this result should be tried again with the full memory of a large item.
        fresh: creates the state of a process from `arguments` at its start; every piece of work receives it.
    """

    def __init__(
        self,
        count: int,
        budget: Budget,
        fresh: Callable[..., Any],
        arguments: Sequence[Any],
        wants_more: Callable[[Any], bool],
    ) -> None:
        self._count = count
        self._budget = budget
        self._fresh = fresh
        self._arguments = tuple(arguments)
        self._wants_more = wants_more
        self._context = _start_method()
        self._inbox: deque[_Task] = deque()
        self._ordinary: deque[_Task] = deque()
        self._large: deque[_Task] = deque()
        self._processes: list[_Process] = []
        self._false_starts = 0
        self._closed = False
        self._guard = threading.Lock()
        self._bell, self._ring = self._context.Pipe(duplex=False)
        self._thread: threading.Thread | None = None

    def submit(self, work: Work, items: Sequence[Any], seconds: float) -> Future[Batch]:
        """Do this work on each item, with a limit of CPU `seconds` per item.

        The answer holds a `Death` for an item that killed its process, and a RuntimeError or MemoryError for an item
        that made the work raise. It raises a DedupctlError from the work, which no item is to blame for.
        """
        answer: Future[Batch] = Future()
        answer.set_running_or_notify_cancel()
        job = _Job(list(items), answer)
        with self._guard:
            if self._closed:
                answer.set_exception(DedupctlError("the worker processes were stopped"))
                return answer
            self._inbox.append(_Task(job, work, seconds, list(range(len(items)))))
            if self._thread is None:
                self._thread = threading.Thread(target=self._mind, name="workers", daemon=True)
                self._thread.start()
            self._ring.send_bytes(b"!")
        return answer

    def close(self) -> None:
        """Stop at once. Uncollected results are lost, and the work is done again later."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._ring.send_bytes(b"!")
        if self._thread is not None:
            self._thread.join()
        self._bell.close()
        self._ring.close()

    # --- in the thread that manages the processes ---------------------------------------------------------------------

    def _mind(self) -> None:
        failure: Exception = DedupctlError("the worker processes were stopped")
        try:
            while not self._closed:
                self._hand_out()
                self._listen()
                self._end_the_idle()
        except Exception as error:  # a bug of ours; nobody may wait forever for an answer
            failure = error
        with self._guard:
            self._closed = True
        self._end_all(failure)

    def _listen(self) -> None:
        """Wait for the next event and handle it."""
        minded = {one.connection: one for one in self._processes}
        idle = [one.idle_since for one in self._processes if one.task is None]
        patience = max(0.0, min(idle) + IDLE_SECONDS - time.monotonic()) if idle else None
        for heard in wait([self._bell, *minded], patience):
            if heard is self._bell:
                self._bell.recv_bytes()
                while self._inbox:
                    self._ordinary.append(self._inbox.popleft())
            else:
                assert isinstance(heard, Connection)
                self._hear(minded[heard])

    def _hear(self, one: _Process) -> None:
        try:
            message = one.connection.recv()
        except (EOFError, OSError):
            self._bury(one)
            return
        task = one.task
        assert task is not None
        match message:
            case Begun():
                task.begun = one.proven = True
                self._false_starts = 0
            case Outcome():
                self._take(task, message)
            case Done(resident):
                self._finish(task)
                one.task, one.idle_since = None, time.monotonic()
                if resident > OWN + ORDINARY:  # other workers could use the memory that it retains
                    self._end(one)

    def _take(self, task: _Task, outcome: Outcome) -> None:
        place = task.places.pop(0)
        task.job.cpu_seconds += outcome.cpu_seconds
        if isinstance(outcome.error, DedupctlError):
            if not task.job.answer.done():
                task.job.answer.set_exception(outcome.error)
            return
        result = outcome.result if outcome.error is None else outcome.error
        if not task.is_large and (isinstance(result, MemoryError) or self._wants_more(result)):
            self._large.append(_Task(task.job, task.work, task.seconds, [place], is_large=True))
        else:
            self._settle(task.job, place, result)

    def _settle(self, job: _Job, place: int, result: Any) -> None:
        job.results[place] = result
        if len(job.results) == len(job.items) and not job.answer.done():
            job.answer.set_result(Batch([job.results[number] for number in range(len(job.items))], job.cpu_seconds))

    def _finish(self, task: _Task) -> None:
        if not task.job.items and not task.job.answer.done():
            task.job.answer.set_result(Batch([], 0.0))

    def _bury(self, one: _Process) -> None:
        """A process has died: of its item, or for no reason that we know."""
        self._end(one)
        task, exitcode = one.task, one.process.exitcode or 0
        if task is None:
            return
        if not task.begun:
            (self._large if task.is_large else self._ordinary).appendleft(task)
            if not one.proven:  # else it was killed while it had nothing to do
                self._start_failed(f"exit code {exitcode}")
            return
        if not task.places:  # it died after its last answer
            self._finish(task)
            return
        guilty, *rest = task.places
        if task.is_large:
            self._settle(task.job, guilty, Death(exitcode))
        else:
            self._large.append(_Task(task.job, task.work, task.seconds, [guilty], is_large=True))
        if rest:
            self._ordinary.appendleft(_Task(task.job, task.work, task.seconds, rest))

    def _start_failed(self, why: str) -> None:
        self._false_starts += 1
        if self._false_starts >= START_TRIES:
            raise DedupctlError(f"the worker processes die as soon as they are started ({why})")

    # --- handing out -------------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give work to idle processes. A waiting large item holds back ordinary items that would take its memory."""
        while (queue := self._next_queue()) is not None:
            one = next((one for one in self._processes if one.task is None), None)
            if one is None:
                if len(self._processes) >= self._count:
                    return
                try:
                    one = self._start()
                except (OSError, EOFError) as error:  # the fork server has died; the next start launches a new one
                    self._start_failed(str(error))
                    continue
            task = queue.popleft()
            if task.job.answer.done():  # another part of it has failed, or nobody waits for it any longer
                continue
            memory = self._budget.allowance if task.is_large else min(ORDINARY, self._budget.allowance)
            allowance = Allowance(memory, task.seconds, is_last=task.is_large)
            one.task, task.begun = task, False
            try:
                one.connection.send(Order(task.work, task.items, allowance))
            except OSError:
                self._bury(one)

    def _next_queue(self) -> deque[_Task] | None:
        """The queue to serve next if memory allows. Large items run one at a time and before ordinary ones."""
        busy = [one.task for one in self._processes if one.task is not None]
        is_large_turn = bool(self._large) and not any(task.is_large for task in busy)
        queue = self._large if is_large_turn else self._ordinary
        taken = sum(self._cost(task.is_large) for task in busy)
        if not queue or (busy and taken + self._cost(is_large_turn) > self._budget.total):
            return None
        return queue

    def _cost(self, is_large: bool) -> int:
        return self._budget.largest if is_large else OWN + ORDINARY

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined]
            target=cage.run, args=(theirs, self._fresh, *self._arguments), daemon=True
        )
        with _interrupts_held_back():
            process.start()
        theirs.close()
        one = _Process(process, ours, time.monotonic())
        self._processes.append(one)
        return one

    # --- ending ------------------------------------------------------------------------------------------------------

    def _end_the_idle(self) -> None:
        due = time.monotonic() - IDLE_SECONDS
        for one in [one for one in self._processes if one.task is None and one.idle_since <= due]:
            self._end(one)

    def _end(self, one: _Process) -> None:
        self._processes.remove(one)
        one.connection.close()
        one.process.kill()  # it writes nothing that could be left incomplete
        one.process.join()

    def _end_all(self, failure: Exception) -> None:
        with self._guard:
            left = [*self._inbox, *self._ordinary, *self._large]
        left += [one.task for one in self._processes if one.task is not None]
        for one in list(self._processes):
            self._end(one)
        for job in {task.job for task in left}:
            if not job.answer.done():
                job.answer.set_exception(failure)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started in this block ignore Ctrl-C, because the parent handles it and stops the pool.

    A terminal sends SIGINT to all of them, and a process that is still importing would print a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_method() -> BaseContext:
    """Use forkserver, which shares imports between workers. Plain fork is unsafe because this process has threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dedupctl.indexing.workers"])  # otherwise each would import everything itself
    return context
