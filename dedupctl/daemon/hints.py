"""What may have happened in a library, and the bounded queue it waits in. A hint proves nothing: the disk does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Touched:
    """A file was created, or written and closed."""

    path: bytes


@dataclass(frozen=True, slots=True)
class FolderTouched:
    """A folder appeared, perhaps full: it is to be walked, for no hints follow for what is already in it."""

    path: bytes


@dataclass(frozen=True, slots=True)
class Removed:
    """A file or a whole folder is no longer at this path: deleted, or moved out of the root."""

    path: bytes
    folder: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A file or a whole folder got another path within one root; no hints follow for what a folder contains."""

    source: bytes
    target: bytes
    folder: bool


@dataclass(frozen=True, slots=True)
class RootLost:
    """The root is no longer watched: it is gone (offline, not empty), or its watch has ended. `Watcher.watch` it anew
    when it is there."""

    root: bytes
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Something happened that no hint tells: only a scan can find it."""

    reason: str


Hint: TypeAlias = Touched | FolderTouched | Removed | Moved | RootLost | EventsLost

CAPACITY = 100_000


class HintQueue:
    """Hints in the order they came, from any thread to one consumer.

    A queue that is full is emptied and holds one `EventsLost` instead: the scan it asks for makes every older hint
    superfluous, so memory stays bounded and nothing is lost. A `RootLost` is kept, because no scan finds out that a
    root needs to be watched again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._hints: list[Hint] = []
        self._changed = threading.Condition()

    def put(self, hint: Hint) -> None:
        """Add one hint; never blocks."""
        with self._changed:
            if len(self._hints) >= self._capacity:
                lost_roots = [held for held in dict.fromkeys(self._hints) if isinstance(held, RootLost)]
                self._hints = [*lost_roots, EventsLost(f"more than {self._capacity} events were waiting")]
            if not self._hints or self._hints[-1] != hint:  # a file that is written to tells so again and again
                self._hints.append(hint)
                self._changed.notify()

    def take(self, timeout: float) -> list[Hint]:
        """Every hint that waits; if there is none, wait up to `timeout` seconds for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._hints), timeout)
            taken, self._hints = self._hints, []
            return taken
