"""The daemon's pulse: long operations beat, which notifies the service manager's watchdog and checks for SIGTERM."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dedupctl.daemon.notify import Notifier
from dedupctl.errors import Interrupted

BEAT_SECONDS = 1.0
"""More frequent beats only read the clock. The units allow the daemon two minutes between beats."""


class Pulse:
    """Receives beats from the main thread."""

    def __init__(
        self, notifier: Notifier, is_stopped: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notifier = notifier
        self._is_stopped = is_stopped
        self._clock = clock
        self._due = 0.0
        self._held_until = float("-inf")

    def beat(self) -> None:
        """Signal that the daemon is alive and making progress.

        Raises:
            Interrupted: the daemon was told to stop, and the current work can be abandoned.
        """
        now = self._clock()
        if now >= self._due:
            self._due = now + BEAT_SECONDS
            self._notifier.alive()
        if now >= self._held_until and self._is_stopped():
            raise Interrupted

    @contextmanager
    def uninterrupted(self, seconds: float = float("inf")) -> Iterator[None]:
        """Do not interrupt the work in this block, or not before `seconds` have passed."""
        before, self._held_until = self._held_until, max(self._held_until, self._clock() + seconds)
        try:
            yield
        finally:
            self._held_until = before

    def rest(self, seconds: float, nap: Callable[[float], None] = time.sleep) -> None:
        """Do nothing for this many seconds, but keep beating.

        Raises:
            Interrupted: as `beat`.
        """
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self.beat()
            nap(min(BEAT_SECONDS, left))
