"""Decides when a touched file is completely written. Pure: the caller supplies the clock and `stat`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

Stamp = tuple[int, int]
"""Size in bytes and mtime in nanoseconds, which must stay the same."""
Clock = Callable[[], float]
"""Monotonic seconds. Never the wall clock, which can jump; an mtime may come from another machine's clock."""
Stat = Callable[[bytes], Stamp | None]
"""Examines one path; None if it is gone or cannot be read."""

PATIENCE_SECONDS = 3600.0
CAPACITY = 200_000
"""Maximum number of waiting paths. At about 350 bytes each, they use at most 70 MB."""


@dataclass(slots=True)
class _Held:
    first_seen: float
    due: float
    stamp: Stamp | None = None
    reported: bool = False


class Settler:
    """Holds touched paths until size and mtime have been unchanged for `quiet_seconds`. For one thread.

    Every path is due a fixed time after it was last touched or found changed, so paths become due in the order of their
    (re)insertion into the dictionary. No heap is needed, and `due` examines only due paths.
    """

    def __init__(
        self,
        quiet_seconds: float,
        clock: Clock,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        capacity: int = CAPACITY,
    ) -> None:
        self._quiet = quiet_seconds
        self._clock = clock
        self._patience = patience_seconds
        self._capacity = capacity
        self._fresh: dict[bytes, _Held] = {}
        self._waiting: dict[bytes, _Held] = {}

    def __len__(self) -> int:
        """The number of paths held back."""
        return len(self._fresh) + len(self._waiting)

    def saw(self, path: bytes) -> bool:
        """Note that `path` was touched now, which restarts its quiet time.

        Returns:
            False if there was no room for the path, so that only a scan will find it.
        """
        now = self._clock()
        if path in self._waiting:
            self._wait(path, self._waiting.pop(path))
        elif path not in self._fresh:
            if len(self) >= self._capacity:
                return False
            self._fresh[path] = _Held(first_seen=now, due=now)
        return True

    def due(self, stat: Stat) -> list[bytes]:
        """Examine the due paths; return and release those that have been quiet long enough.

        A path that changed waits again; a path that `stat` does not find is dropped. The first check of a new path
        only records its stamp for comparison, unless the quiet time is 0.
        """
        ready = []
        for path, held in self._take_due():
            stamp = stat(path)
            if stamp is None:
                continue
            if stamp == held.stamp or self._quiet == 0:
                ready.append(path)
            else:
                held.stamp = stamp
                self._wait(path, held)
        return ready

    def next_due(self) -> float | None:
        """The clock time at which to call `due` next, or None while nothing waits."""
        first = next(iter(self._fresh.values()), None) or next(iter(self._waiting.values()), None)
        return first.due if first else None

    def restless(self) -> list[bytes]:
        """Paths that did not settle within the patience: still being written, never read. Each is returned once."""
        long_ago = self._clock() - self._patience
        overdue = [path for path, held in self._waiting.items() if held.first_seen <= long_ago and not held.reported]
        for path in overdue:
            self._waiting[path].reported = True
        return overdue

    def _wait(self, path: bytes, held: _Held) -> None:
        held.due = self._clock() + self._quiet
        self._waiting[path] = held

    def _take_due(self) -> list[tuple[bytes, _Held]]:
        now = self._clock()
        taken = list(self._fresh.items())
        taken += takewhile(lambda item: item[1].due <= now, self._waiting.items())
        self._fresh.clear()
        for path, _ in taken:
            self._waiting.pop(path, None)
        return taken
