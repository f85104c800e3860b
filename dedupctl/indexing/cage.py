"""The inside of a worker process: one item after the other, each with limits that the kernel holds.

A decoder fed with a broken file may crash, hang or eat memory. CPU time and waiting end the process by a signal that no
decoder can keep off, memory by an allocation that fails; who started the process sees by its exit code what it was.
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
"""What ends a worker whose item took more CPU time than it may, or never came to an end without any."""
PATIENCE = 20
"""How many times longer than its CPU time an item may last: other programs want the machine, too, and disks wake up."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each item may take."""

    memory: int
    """Bytes, besides what the process holds when it begins."""
    seconds: float
    """Of CPU."""
    is_last: bool
    """More cannot be had: it is not tried again with another one."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a process can do: functions of a module, because they are sent to it by name."""

    prepare: Callable[[Any], None]
    """Gets the process's state ready, outside the limits: loading the model is not for the first file to pay."""
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
    """The process is ready and is at the first item."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of the next item, or what it raised; the process goes on with the one after it."""

    result: Any
    error: BaseException | None
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """There is an answer to every item. `resident` is how many bytes of memory the process holds."""

    resident: int


def run(connection: Connection, make_state: Callable[..., Any], *arguments: Any) -> None:
    """Answer orders until the other end of the connection is closed. Never returns to whoever forked the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff and LibRaw print about broken files, each in its own words
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a killed decoder would leave a gigabyte in the current folder
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
        except (EOFError, OSError):  # nobody asks any more
            os._exit(0)


def _get_ready(order: Order, state: Any) -> None:
    try:
        order.work.prepare(state)
    except DedupctlError:  # it will fail again, and be told, when there is something to do
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
        # As text: an exception of a decoder may hold what cannot be sent.
        kind = MemoryError if isinstance(error, MemoryError) else RuntimeError
        return Outcome(None, kind(f"{type(error).__name__}: {error}"), time.process_time() - started)
    return Outcome(result, None, time.process_time() - started)


@contextmanager
def limited(allowance: Allowance) -> Iterator[None]:
    """Whatever runs in this block fails to get more memory, and ends the process when it takes more time.

    Not the address space but the private, writable part of it is limited (RLIMIT_DATA): what the libraries reserve or
    map without touching it is 580 MB more than what a worker holds, and a file that libtiff maps is no memory at all.
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
    """Return to the system what the allocator keeps for later: 70 MB after a picture of 36 megapixels, 1.1 GB after one
    of 484."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # another C library than glibc
        return


def resident_bytes() -> int:
    """How much memory this process holds."""
    return _statm(1)


def _private_bytes() -> int:
    """What RLIMIT_DATA counts: private writable memory, touched or not."""
    return _statm(5)


def _statm(field: int) -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()


def _die_with_parent() -> None:
    """A parent killed with SIGKILL cannot stop its workers; orphans would decode on for nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
