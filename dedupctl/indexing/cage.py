"""The inside of a worker process, which handles one item after another under limits enforced by the kernel.

A decoder may crash, hang or exhaust memory on a broken file. Too much CPU time or waiting ends the process with a
signal that no decoder can block; too much memory makes an allocation fail. The exit code tells the parent the cause.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from dedupctl.errors import DedupctlError

OUT_OF_CPU, OUT_OF_TIME = signal.SIGPROF, signal.SIGALRM
"""The signals that end a worker whose item exceeded its CPU time, or did not finish although it used none."""
PATIENCE = 20
"""Wall-clock limit of an item as a multiple of its CPU time: other programs use the machine, and disks must spin up."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The resources that each item may use."""

    memory: int
    """Bytes, in addition to what the process uses when the item starts."""
    seconds: float
    """Of CPU."""
    is_last: bool
    """There is no larger allowance with which the item could be tried again."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a process can do. The functions must belong to a module, because they are sent by name."""

    prepare: Callable[[Any], None]
    """Prepares the state outside the limits, so that loading the model does not count against the first file."""
    do: Callable[[Any, Any, Allowance], Any]
    """Takes state, item and allowance."""


@dataclass(frozen=True, slots=True)
class Order:
    """Work on some items, for one process."""

    work: Work
    items: list[Any]
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Begun:
    """The process is ready and starts with the first item."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an item, or the exception it raised. The process continues with the next item."""

    result: Any
    error: BaseException | None
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """Every item has been answered. `resident` is the resident memory of the process in bytes."""

    resident: int


def run(connection: Connection, make_state: Callable[..., Any], *arguments: Any) -> None:
    """Answer orders until the other end of the connection is closed. Never returns to whoever forked the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff and LibRaw print messages about broken files
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a killed decoder would dump a gigabyte into the current folder
    threading.Thread(target=_die_with_parent, daemon=True).start()
    state = make_state(*arguments)
    while True:
        try:
            order: Order = connection.recv()
            connection.send(Begun())
            for item in order.items:
                connection.send(_outcome(order, state, item))
            if not order.items:
                _get_ready(order, state)
            if order.allowance.is_last:
                give_back_memory()
            connection.send(Done(resident_bytes()))
        except (EOFError, OSError):  # the parent has closed the connection
            os._exit(0)


def _get_ready(order: Order, state: Any) -> None:
    try:
        order.work.prepare(state)
    except DedupctlError:  # it fails again, and is reported, with the first item
        return


def _outcome(order: Order, state: Any, item: Any) -> Outcome:
    started = time.process_time()
    try:
        order.work.prepare(state)
        with limited(order.allowance):
            result = order.work.do(state, item, order.allowance)
    except DedupctlError as error:
        return Outcome(None, error, time.process_time() - started)
    except Exception as error:
        # As text, because a decoder's exception may contain objects that cannot be pickled.
        kind = MemoryError if isinstance(error, MemoryError) else RuntimeError
        return Outcome(None, kind(f"{type(error).__name__}: {error}"), time.process_time() - started)
    return Outcome(result, None, time.process_time() - started)


@contextmanager
def limited(allowance: Allowance) -> Iterator[None]:
    """Limit the code in this block: allocations beyond the allowance fail, and exceeding the time ends the process.

    The limit applies to private writable memory (RLIMIT_DATA) rather than address space: libraries reserve or map
    580 MB more than a worker uses, and a file mapped by libtiff takes no memory.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _private_bytes() + allowance.memory
    resource.setrlimit(resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    signal.setitimer(signal.ITIMER_PROF, allowance.seconds)
    signal.setitimer(signal.ITIMER_REAL, allowance.seconds * PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def give_back_memory() -> None:
    """Return memory that the allocator retains: 70 MB after a picture of 36 megapixels, 1.1 GB after one of 484."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # another C library than glibc
        return


def resident_bytes() -> int:
    """The resident memory of this process in bytes."""
    return _statm(1)


def _private_bytes() -> int:
    """What RLIMIT_DATA counts: private writable memory, touched or not."""
    return _statm(5)


def _statm(field: int) -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()


def _die_with_parent() -> None:
    """Exit with the parent. A parent killed with SIGKILL cannot stop its workers, which would keep decoding in vain."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
