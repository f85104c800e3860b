"""Turns filesystem events into hints. It examines no file, uses no catalog and makes no decision."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dedupctl.daemon.hints import EventsLost, Hint, HintQueue, RootLost
from dedupctl.daemon.inotify import Inotify, limit_reached
from dedupctl.daemon.mounts import MOUNT_TABLE, silent_filesystem
from dedupctl.daemon.observed import Observed
from dedupctl.daemon.tree import LIMITS, IsIgnored

log = logging.getLogger(__name__)

IsToolName = Callable[[bytes], bool]
"""Whether a name in a path belongs to a tool (a trash, a folder of thumbnails, our own `.dedupctl`)."""

HAS_INOTIFY = sys.platform == "linux"
SETTLING_BEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """How one root is watched. `reason` says why it is polled; it is None where the kernel provides events."""

    root: bytes
    reason: str | None
    watches: int = 0
    """Folders that the kernel watches. Each uses one of the user's watches."""
    unwatched: Mapping[bytes, str] = field(default_factory=dict)
    """Folders that cannot be watched, with the reason."""

    @property
    def polled(self) -> bool:
        return self.reason is not None


class Watcher:
    """Watches roots and returns hints. Call its methods from one thread; the watching runs in others.

    Nothing is watched or reported below a name for which `is_tool_name` is true. Watch before you scan, so that changes
    between the two are seen twice rather than never. `beat` is called repeatedly during long calls.
    """

    def __init__(
        self,
        *,
        is_tool_name: IsToolName,
        polling_seconds: float,
        always_poll: bool = False,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._is_tool_name = is_tool_name
        self._polling_seconds = polling_seconds
        self._always_poll = always_poll
        self._beat = beat
        self._hints = HintQueue()
        self._watches: dict[bytes, _Watch] = {}

    def watch(self, root: bytes) -> WatchHealth:
        """Watch `root` (absolute), again if already watched. Returns once every folder below it is watched.

        Raises:
            OSError: the root does not exist, is not a folder or cannot be read.
        """
        self.unwatch(root)
        os.scandir(root).close()
        reason = self._reason_to_poll(root)
        watch = self._poll(root, reason) if reason else self._listen(root)
        self._watches[root] = watch
        return watch.health

    def unwatch(self, root: bytes) -> None:
        """Stop watching `root`, if it is watched."""
        watch = self._watches.pop(root, None)
        if watch:
            watch.by.close()

    def health(self) -> list[WatchHealth]:
        """How each root is watched."""
        return [watch.health for watch in self._watches.values()]

    def alive(self) -> int:
        """The number of roots watched by a live thread."""
        return sum(watch.by.is_alive() for watch in self._watches.values())

    def traffic(self) -> dict[str, int | float | None]:
        """Counts of the events received, as `HintQueue.traffic`."""
        return self._hints.traffic()

    def take(self, timeout: float) -> list[Hint]:
        """Every waiting hint; if there is none, wait up to `timeout` seconds for the first.

        A root that inotify cannot watch completely is polled from now on, and an `EventsLost` requests a scan.
        """
        hints = self._hints.take(timeout)
        for root, watch in list(self._watches.items()):
            if watch.refusal:
                self.unwatch(root)
                hints.append(self._fall_back(root, limit_reached(watch.refusal)))
        return hints

    def check(self) -> None:
        """Put a `RootLost` hint for each root that is no longer watched, whatever the reason."""
        for root, watch in self._watches.items():
            fault = watch.fault() or self._other_ground(watch)
            if fault:
                self._hints.put(RootLost(root, fault))

    def look_again(self) -> None:
        """Compare the watches with the folders on disk. Newly watched folders are reported as hints.

        A root polled because inotify ran out of watches is tried again.
        """
        for root, watch in list(self._watches.items()):
            if isinstance(watch.by, Inotify):
                watch.by.look_again()
            elif watch.is_makeshift:
                self._hints.put(RootLost(root, "the limit may have been raised"))

    def close(self) -> None:
        """Stop watching every root."""
        for root in list(self._watches):
            self.unwatch(root)

    def _reason_to_poll(self, root: bytes) -> str | None:
        if self._always_poll:
            return "the configuration asks for it"
        kind = silent_filesystem(root, MOUNT_TABLE.read_bytes()) if HAS_INOTIFY else None
        return f"{kind} does not tell of changes made elsewhere" if kind else None

    def _other_ground(self, watch: _Watch) -> str | None:
        """A filesystem that tells of nothing was mounted below a root meanwhile, or is there no longer."""
        if watch.is_makeshift:
            return None
        reason = self._reason_to_poll(watch.root)
        return None if reason == watch.reason else reason or "its events can be received now"

    def _fall_back(self, root: bytes, reason: str) -> Hint:
        try:
            self._watches[root] = self._poll(root, reason, is_makeshift=True)
        except OSError:
            return RootLost(root)
        return EventsLost(reason)

    def _listen(self, root: bytes) -> _Watch:
        if not HAS_INOTIFY:
            return self._settled(_Watch(root, Observed(root, self._ignored_below(root), self._hints)))
        try:
            inotify = Inotify(root, self._ignored_below(root), self._hints, MOUNT_TABLE)
        except OSError as error:
            if error.errno not in LIMITS:
                raise
            return self._poll(root, limit_reached(error), is_makeshift=True)
        inotify.start()
        watch = self._settled(_Watch(root, inotify))
        if watch.refusal:
            watch.by.close()
            return self._poll(root, limit_reached(watch.refusal), is_makeshift=True)
        return watch

    def _poll(self, root: bytes, reason: str, *, is_makeshift: bool = False) -> _Watch:
        log.warning("%r is polled every %g s: %s", os.fsdecode(root), self._polling_seconds, reason)
        observed = Observed(root, self._ignored_below(root), self._hints, polling_seconds=self._polling_seconds)
        return self._settled(_Watch(root, observed, reason, is_makeshift))

    def _settled(self, watch: _Watch) -> _Watch:
        try:
            while not watch.by.settled.wait(SETTLING_BEAT_SECONDS):
                self._beat()
        except BaseException:
            watch.by.close()
            raise
        return watch

    def _ignored_below(self, root: bytes) -> IsIgnored:
        return lambda path: any(self._is_tool_name(name) for name in path[len(root) :].split(b"/") if name)


@dataclass(frozen=True, slots=True)
class _Watch:
    """One root and what watches it."""

    root: bytes
    by: Inotify | Observed
    reason: str | None = None
    is_makeshift: bool = False
    """It is polled only because inotify ran out of watches."""

    @property
    def health(self) -> WatchHealth:
        if isinstance(self.by, Inotify):
            return WatchHealth(self.root, self.reason, len(self.by.tree), dict(self.by.tree.unwatched))
        return WatchHealth(self.root, self.reason)

    @property
    def refusal(self) -> OSError | None:
        """The error of a folder below the root that could not be watched."""
        return self.by.tree.refusal if isinstance(self.by, Inotify) else None

    def fault(self) -> str | None:
        """Why this root no longer yields events, or None while it does."""
        if not self.by.is_alive():
            why = self.by.failure if isinstance(self.by, Inotify) else None
            return "its watch has ended" + (f": {why}" if why else "")
        if isinstance(self.by, Inotify) and not self.by.is_of_this_root:
            return "another folder has taken its place"
        return None
