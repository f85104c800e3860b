"""Workers with a decoder that some files are poison to. A module of its own, so that worker processes can import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from dedupctl.indexing import workers
from dedupctl.indexing.cage import Allowance, Work
from dedupctl.indexing.pool import Batch
from dedupctl.indexing.workers import Workers


class PoisonedWorkers(Workers):
    """What the name of a file says is done to the worker that reads it, see `_POISONS`; others are read."""

    def read(self, paths: Sequence[bytes]) -> Future[Batch]:
        return self._answered(Work(workers._load_model, _read), paths)


def _read(state: Any, path: bytes, allowance: Allowance) -> Any:
    for name, effect in _POISONS.items():
        if name in path:
            effect(path, allowance)
    return workers._read(state, path, allowance)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does with a decoder that takes too much memory


def _die_the_first_time(path: bytes, _: Allowance) -> None:
    trace = Path(os.fsdecode(path) + ".tried")
    if not trace.exists():
        trace.touch()
        _die()


def _compute(*_: object) -> None:
    while True:
        pass


def _compute_a_while(path: bytes, _: Allowance) -> None:
    """As many tenths of a second of CPU time as the name says."""
    end = time.process_time() + int(os.path.basename(path).split(b"-")[1]) / 10
    while time.process_time() < end:
        pass


def _wait(*_: object) -> None:
    while True:
        time.sleep(1)


def _take_memory(path: bytes, _: Allowance) -> None:
    """As many megabytes as the name says, all of them touched."""
    megabytes = int(os.path.basename(path).split(b"-")[1])
    assert len(b"x" * (megabytes << 20))


def _note_turn(path: bytes, allowance: Allowance) -> None:
    """Leave a trace of when a large one was at work."""
    if allowance.is_last:
        trace = Path(os.fsdecode(path) + ".turn")
        started = time.monotonic()
        time.sleep(0.3)
        trace.write_text(f"{started} {time.monotonic()}")


def _note_when(path: bytes, _: Allowance) -> None:
    Path(os.fsdecode(path) + ".when").write_text(str(time.monotonic()))


_POISONS: dict[bytes, Callable[[bytes, Allowance], None]] = {
    b"deadly": _die,
    b"unlucky": _die_the_first_time,
    b"endless": _compute,
    b"busy": _compute_a_while,
    b"sleepy": _wait,
    b"greedy": _take_memory,
    b"turns": _note_turn,
    b"when": _note_when,
}
