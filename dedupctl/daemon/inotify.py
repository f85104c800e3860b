"""inotify through watchdog, telling what watchdog 7.1 keeps to itself.

- A kernel queue that overflows is logged; the handler hears nothing.
- A folder that cannot be watched because the limit is reached is skipped without a word, unless it is the root.
- A filesystem that is unmounted raises no event at all.
- The folders of other tools (thumbnails, trash) are watched too, and each costs one of the user's watches.

Two of its classes are therefore subclassed, through their public methods only.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from pathlib import Path

from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from dedupctl.daemon.hints import EventsLost, HintQueue, RootLost

IsIgnored = Callable[[bytes], bool]
"""Says of a path that it is none of our business, like everything below it."""

LIMITS = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}
"""The sysctl behind each way in which inotify refuses."""


class InotifyObserver(BaseObserver):
    """watchdog's InotifyObserver, but around our own inotify instance."""

    def __init__(self, inotify: Inotify) -> None:
        self._inotify = inotify
        super().__init__(InotifyEmitter, inotify_fd=inotify)

    def on_thread_start(self) -> None:
        self._inotify.start()
        super().on_thread_start()

    def on_thread_stop(self) -> None:
        super().on_thread_stop()
        self._inotify.stop()
        self._inotify.join()


class Inotify(InotifyFD):
    """One inotify instance, for one root.

    Raises:
        OSError: EMFILE, there are too many instances (see `LIMITS`).
    """

    def __init__(self, root: bytes, is_ignored: IsIgnored, hints: HintQueue) -> None:
        super().__init__()
        # Of folders made one in another at once watchdog warns that it adds the inner ones twice, which does no harm.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        self.refusal: OSError | None = None
        """Why a folder could not be watched, where a limit of `LIMITS` was reached."""
        self._root = root
        self._root_descriptor: WatchDescriptor | None = None
        self._is_ignored = is_ignored
        self._hints = hints

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
        """Watch one folder.

        Raises:
            OSError: it is not to be watched or cannot be; watchdog goes on without it unless it is the root.
        """
        if self._is_ignored(path):
            raise OSError(errno.ECANCELED, "not watched", path)
        if not os.access(path, os.R_OK):
            # watchdog would go on with the descriptor -1 that the kernel answers here.
            raise PermissionError(errno.EACCES, "cannot be read", path)
        try:
            descriptor = super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in LIMITS:
                self.refusal = error
            raise
        if path == self._root:
            self._root_descriptor = descriptor
        return descriptor

    def handle_event(self, event: InotifyEvent) -> None:
        super().handle_event(event)
        if event.is_queue_overflow:
            self._hints.put(EventsLost("the kernel's queue of events overflowed"))
        elif event.mask & InotifyConstants.IN_UNMOUNT:
            is_root = event.wd == self._root_descriptor
            self._hints.put(RootLost(self._root) if is_root else EventsLost("a filesystem was unmounted"))


def limit_reached(error: OSError) -> str:
    """The limit, its value and how to raise it, for people."""
    name = LIMITS[error.errno or 0]
    value = int(Path("/proc/sys", *name.split(".")).read_text(encoding="ascii"))
    return f"{error.strerror}: {name} = {value}; `sudo sysctl {name}={2 * value}` raises it"
