"""The heartbeat of the daemon: what takes long beats, so that the service manager hears it and it hears SIGTERM."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dedupctl.daemon.notify import Notifier
from dedupctl.errors import Interrupted

BEAT_SECONDS = 1.0
"""Beats in between cost a look at the clock. The units give the daemon two minutes."""


class Pulse:
    """One beat after the other, from the main thread."""

    def __init__(
        self, notifier: Notifier, is_stopped: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notifier = notifier
        self._is_stopped = is_stopped
        self._clock = clock
        self._due = 0.0
        self._held_until = float("-inf")

    def beat(self) -> None:
        """Still alive, and making progress.

        Raises:
            Interrupted: the daemon was told to stop, and what beats can be left off.
        """
        now = self._clock()
        if now >= self._due:
            self._due = now + BEAT_SECONDS
            self._notifier.alive()
        if now >= self._held_until and self._is_stopped():
            raise Interrupted

    @contextmanager
    def uninterrupted(self, seconds: float = float("inf")) -> Iterator[None]:
        """What is done in this block is not left off, or not before so many seconds have passed."""
        before, self._held_until = self._held_until, max(self._held_until, self._clock() + seconds)
        try:
            yield
        finally:
            self._held_until = before

    def rest(self, seconds: float, nap: Callable[[float], None] = time.sleep) -> None:
        """Do nothing for so long, and beat meanwhile.

        Raises:
            Interrupted: as `beat`.
        """
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self.beat()
            nap(min(BEAT_SECONDS, left))
