"""Hints of what may have changed in a library, and their bounded queue. A hint proves nothing; the disk decides."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Touched:
    """A file was created, or written and closed."""

    path: bytes


@dataclass(frozen=True, slots=True)
class FolderTouched:
    """A folder appeared. It must be walked, because no hints follow for what it already contains."""

    path: bytes


@dataclass(frozen=True, slots=True)
class Removed:
    """A file or a whole folder is no longer at this path: deleted, or moved out of the root."""

    path: bytes
    folder: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A file or a whole folder moved within one root. No hints follow for what a folder contains."""

    source: bytes
    target: bytes
    folder: bool


@dataclass(frozen=True, slots=True)
class RootLost:
    """The root is no longer watched, because it is offline (not empty) or its watch has ended. Call `Watcher.watch`
    again when it is back."""

    root: bytes
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Something happened that no hint describes. Only a scan can find it."""

    reason: str


Hint: TypeAlias = Touched | FolderTouched | Removed | Moved | RootLost | EventsLost

CAPACITY = 100_000


class HintQueue:
    """Hints in the order they came, from any thread to one consumer.

    When the queue is full, one `EventsLost` replaces its hints. The scan that it requests makes older hints redundant,
    so memory stays bounded and nothing is missed. A `RootLost` is kept, because a scan does not reveal that a root must
    be watched again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._hints: list[Hint] = []
        self._changed = threading.Condition()
        self._oldest_at = 0.0
        self._traffic = Traffic()

    def put(self, hint: Hint) -> None:
        """Add one hint; never blocks."""
        with self._changed:
            if len(self._hints) >= self._capacity:
                lost_roots = [held for held in dict.fromkeys(self._hints) if isinstance(held, RootLost)]
                self._hints = [*lost_roots, EventsLost(f"more than {self._capacity} events were waiting")]
                self._traffic.note_loss()
            if isinstance(hint, EventsLost):
                self._traffic.note_loss()
            self._traffic.seen += 1
            self._traffic.last_at = int(time.time())
            if not self._hints:
                self._oldest_at = time.monotonic()
            if not self._hints or self._hints[-1] != hint:  # a file being written raises the same event repeatedly
                self._hints.append(hint)
                self._changed.notify()

    def take(self, timeout: float) -> list[Hint]:
        """Every waiting hint; if there is none, wait up to `timeout` seconds for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._hints), timeout)
            taken, self._hints = self._hints, []
            return taken

    def traffic(self) -> dict[str, int | float | None]:
        """Counts since the start, by name. Times are in seconds since 1970; `oldest_seconds` is an age."""
        with self._changed:
            oldest = time.monotonic() - self._oldest_at if self._hints else None
            return {
                "seen": self._traffic.seen,
                "last_at": self._traffic.last_at,
                "lost": self._traffic.lost,
                "last_lost_at": self._traffic.last_lost_at,
                "waiting": len(self._hints),
                "oldest_seconds": None if oldest is None else round(oldest, 1),
            }


@dataclass(slots=True)
class Traffic:
    """What has passed through a queue."""

    seen: int = 0
    last_at: int | None = None
    lost: int = 0
    """How often events were lost and a scan made up for them."""
    last_lost_at: int | None = None

    def note_loss(self) -> None:
        self.lost += 1
        self.last_lost_at = int(time.time())
