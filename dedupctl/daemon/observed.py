"""Roots observed with watchdog: by polling, or by events on systems other than Linux."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

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
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingEmitter

from dedupctl.daemon.hints import FolderTouched, Hint, HintQueue, Moved, Removed, RootLost, Touched
from dedupctl.daemon.tree import IsIgnored

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileClosedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
STOP_SECONDS = 2.0
"""A thread that waits for an unresponsive network share cannot be stopped; it ends with the process."""


class Observed:
    """Observes one root in its own threads. From the time `settled` is set, changes are noticed."""

    def __init__(
        self, root: bytes, is_ignored: IsIgnored, hints: HintQueue, *, polling_seconds: float | None = None
    ) -> None:
        """Without `polling_seconds`, the events of the operating system are used."""
        self.settled = threading.Event()
        self._observer: BaseObserver
        if polling_seconds is None:
            self._observer = Observer()
        else:
            emitter: Any = partial(
                _Emitter,
                settled=self.settled,
                # Followed links can form cycles; inotify does not follow them either.
                stat=os.lstat,
                listdir=partial(_listed, is_ignored),
            )
            self._observer = BaseObserver(emitter, timeout=polling_seconds)
        self._observer.start()
        handler = _Translator(root, is_ignored, hints)
        self._observer.schedule(handler, os.fsdecode(root), recursive=True, event_filter=EVENTS)
        if polling_seconds is None:
            self.settled.set()

    def is_alive(self) -> bool:
        return self._observer.is_alive() and all(emitter.is_alive() for emitter in self._observer.emitters)

    def close(self) -> None:
        stopping = threading.Thread(target=self._observer.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS)


class _Emitter(PollingEmitter):
    """Takes its first snapshot in its own thread, because it may take minutes and the daemon must go on beating."""

    def __init__(self, *arguments: Any, settled: threading.Event, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._settled = settled

    def on_thread_start(self) -> None:
        """Do nothing, because this still runs in the thread that starts this one."""

    def run(self) -> None:
        try:
            super().on_thread_start()
        except OSError:
            self.queue_event(DirDeletedEvent(self.watch.path))
            return
        finally:
            self._settled.set()
        super().run()


def _listed(is_ignored: IsIgnored, folder: str | None) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not is_ignored(os.fsencode(entry.path)))


class _Translator(FileSystemEventHandler):
    """Turns watchdog's events into hints; runs in the observer's thread."""

    def __init__(self, root: bytes, is_ignored: IsIgnored, hints: HintQueue) -> None:
        self._root = root
        self._is_ignored = is_ignored
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Synthetic events list the contents of a moved folder; the hint about the folder covers them.
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
                return RootLost(path) if path == self._root else Removed(path, event.is_directory)
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
        return Removed(source, folder) if target_ignored else Moved(source, target, folder)
