"""File system events as hints, and nothing more: no stat of a file, no catalog, no decision."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserverVFS

from dedupctl.daemon.hints import EventsLost, FolderTouched, Hint, HintQueue, Moved, Removed, RootLost, Touched
from dedupctl.daemon.inotify import LIMITS, Inotify, InotifyObserver, IsIgnored, limit_reached
from dedupctl.daemon.mounts import MOUNT_TABLE, silent_filesystem

log = logging.getLogger(__name__)

IsToolName = Callable[[bytes], bool]
"""Says of one name in a path that it belongs to another tool (a trash, a folder of thumbnails, our own `.dedupctl`)."""

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
"""Neither opening nor reading (our own scan would fill the queue), nor each single write: closing tells its end.
What changes without being closed (truncated by path, chmod) is left to the periodic scan."""
POLLED_EVENTS = [*EVENTS, FileModifiedEvent]


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """How one root is watched. `reason` says why it is polled, None where events come from the kernel."""

    root: bytes
    reason: str | None

    @property
    def polled(self) -> bool:
        return self.reason is not None


class Watcher:
    """Watches roots and hands out hints. Its methods are for one thread; the watching goes on in others.

    Below a name that `is_tool_name` says yes to, nothing is watched and no hint is given. Watch before you scan: what
    changes between the two is then seen twice, not never.
    """

    def __init__(self, *, is_tool_name: IsToolName, polling_seconds: float, always_poll: bool = False) -> None:
        self._is_tool_name = is_tool_name
        self._polling_seconds = polling_seconds
        self._always_poll = always_poll
        self._hints = HintQueue()
        self._watches: dict[bytes, _Watch] = {}

    def watch(self, root: bytes) -> WatchHealth:
        """Watch `root` (absolute), anew if it was watched already; if it is to be polled, it is walked once right here.

        Raises:
            OSError: the root is not there, is no folder or may not be read.
        """
        self.unwatch(root)
        os.scandir(root).close()
        reason = self._reason_to_poll(root)
        watch = self._poll(root, reason) if reason else self._listen(root)
        self._watches[root] = watch
        return watch.health

    def unwatch(self, root: bytes) -> None:
        """Stop watching `root`; nothing happens if it is not watched."""
        watch = self._watches.pop(root, None)
        if watch:
            watch.stop()

    def health(self) -> list[WatchHealth]:
        """How each root is watched."""
        return [watch.health for watch in self._watches.values()]

    def take(self, timeout: float) -> list[Hint]:
        """Every hint that waits; if there is none, wait up to `timeout` seconds for the first.

        A root that inotify refused to watch any further is polled from here on, and an `EventsLost` asks for a scan.
        """
        hints = self._hints.take(timeout)
        for root, watch in list(self._watches.items()):
            if watch.refusal:
                self.unwatch(root)
                hints.append(self._fall_back(root, limit_reached(watch.refusal)))
        return hints

    def close(self) -> None:
        """Stop watching every root."""
        for root in list(self._watches):
            self.unwatch(root)

    def _reason_to_poll(self, root: bytes) -> str | None:
        if self._always_poll:
            return "the configuration asks for it"
        kind = silent_filesystem(root, MOUNT_TABLE.read_bytes())
        return f"{kind} does not tell of changes made elsewhere" if kind else None

    def _fall_back(self, root: bytes, reason: str) -> Hint:
        try:
            self._watches[root] = self._poll(root, reason)
        except OSError:
            return RootLost(root)
        return EventsLost(reason)

    def _listen(self, root: bytes) -> _Watch:
        try:
            inotify = Inotify(root, self._ignored_below(root), self._hints)
            watch = self._start(_Watch(WatchHealth(root, None), InotifyObserver(inotify), inotify), EVENTS)
        except OSError as error:
            if error.errno not in LIMITS:
                raise
            return self._poll(root, limit_reached(error))
        if watch.refusal:
            watch.stop()
            return self._poll(root, limit_reached(watch.refusal))
        return watch

    def _poll(self, root: bytes, reason: str) -> _Watch:
        log.warning("%r is polled every %g s: %s", os.fsdecode(root), self._polling_seconds, reason)
        observer = PollingObserverVFS(
            # A link that is followed may lead in circles; links are not watched with inotify either.
            stat=os.lstat,
            listdir=self._list_folder,
            polling_interval=self._polling_seconds,
        )
        return self._start(_Watch(WatchHealth(root, reason), observer), POLLED_EVENTS)

    def _start(self, watch: _Watch, events: list[type[FileSystemEvent]]) -> _Watch:
        root = watch.health.root
        watch.observer.start()
        try:
            handler = _Translator(root, self._ignored_below(root), self._hints)
            watch.observer.schedule(handler, os.fsdecode(root), recursive=True, event_filter=events)
        except OSError:
            watch.stop()
            raise
        return watch

    def _list_folder(self, folder: str | None) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not self._is_tool_name(os.fsencode(entry.name)))

    def _ignored_below(self, root: bytes) -> IsIgnored:
        return lambda path: any(self._is_tool_name(name) for name in path[len(root) :].split(b"/") if name)


class _Watch:
    """One root's observer, with threads of its own so that no root can fill another one's queue."""

    def __init__(self, health: WatchHealth, observer: BaseObserver, inotify: Inotify | None = None) -> None:
        self.health = health
        self.observer = observer
        self._inotify = inotify

    @property
    def refusal(self) -> OSError | None:
        """Why a folder below the root could not be watched."""
        return self._inotify.refusal if self._inotify else None

    def stop(self) -> None:
        self.observer.stop()
        self.observer.join()


class _Translator(FileSystemEventHandler):
    """Turns watchdog's events into hints; runs in the observer's thread."""

    def __init__(self, root: bytes, is_ignored: IsIgnored, hints: HintQueue) -> None:
        self._root = root
        self._is_ignored = is_ignored
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Synthetic events list what a moved folder contains; the hint about the folder says as much.
        hint = None if event.is_synthetic else self._translate(event)
        if hint:
            self._hints.put(hint)

    def _translate(self, event: FileSystemEvent) -> Hint | None:
        path = os.fsencode(event.src_path)
        ignored = self._is_ignored(path)
        match event:
            case FileMovedEvent() | DirMovedEvent():
                return self._moved(path, os.fsencode(event.dest_path), ignored, folder=event.is_directory)
            case _ if ignored:
                return None
            case FileDeletedEvent() | DirDeletedEvent():
                return RootLost(path) if path == self._root else Removed(path)
            case DirCreatedEvent():
                return FolderTouched(path)
            case _:
                return Touched(path)

    def _moved(self, source: bytes, target: bytes, source_ignored: bool, *, folder: bool) -> Hint | None:
        target_ignored = self._is_ignored(target)
        if source_ignored and target_ignored:
            return None
        if source_ignored:
            return FolderTouched(target) if folder else Touched(target)
        return Removed(source) if target_ignored else Moved(source, target, folder)
