"""inotify for one root: turns the kernel's events about a tree of folders into hints.

watchdog 7.1 updates the paths of its watches from events. Two folders of the same name moved out in succession, two
folders exchanged, and a folder moved out and back each ended its thread with a KeyError. Events then stopped silently
(watchdog#117 of 2012, #233, #600 and #701 are the same). It also misses folders that become readable and filesystems
mounted later. This module therefore uses inotify directly, and `tree` checks every change on disk.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from inotify_simple import Event, INotify, flags, parse_events

from dedupctl.daemon.hints import EventsLost, FolderTouched, HintQueue, Moved, Removed, RootLost, Touched
from dedupctl.daemon.mounts import MOUNT_TABLE, mount_points
from dedupctl.daemon.tree import LIMITS, IsIgnored, Node, WatchTree
from dedupctl.paths import join, lies_in

log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
CLOSE_SECONDS = 1.0
"""A thread that waits for an unresponsive disk ends with the process."""
GRACE_SECONDS = 0.2
"""How long to wait for the second half of a move. The kernel reports both at once unless its queue is full."""


@dataclass(frozen=True, slots=True)
class _Departure:
    """The first half of a move."""

    path: bytes
    folder: bool
    until: float


class Inotify(threading.Thread):
    """Listens to one root until closed. Each root has its own thread, so that none can fill another's queue.

    The thread ends when the root is lost or an error occurs; `is_alive` tells.
    """

    def __init__(self, root: bytes, is_ignored: IsIgnored, hints: HintQueue, mount_table: Path = MOUNT_TABLE) -> None:
        """Watch the root. The running thread then adds everything below it and sets `settled` when done.

        Raises:
            OSError: the root cannot be watched (see `LIMITS` for two of the reasons).
        """
        super().__init__(name=f"inotify {os.fsdecode(root)}", daemon=True)
        self.settled = threading.Event()
        """Set once every folder is watched or known to be unwatchable."""
        self.failure: str | None = None
        """The error that ended the thread."""
        self._root = root
        self._is_ignored = is_ignored
        self._hints = hints
        self._departures: dict[int, _Departure] = {}
        self._is_closing = False
        self._look_again = False
        self._guard = threading.Lock()
        with ExitStack() as opened:
            self._inotify = opened.enter_context(INotify())
            self._mount_table = opened.enter_context(mount_table.open("rb", buffering=0))
            self._wake, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            opened.callback(os.close, self._wake)
            opened.callback(os.close, waker)
            self._waker: int | None = waker
            self.identity = _identity(root)
            self.tree = WatchTree(self._inotify, root, is_ignored)
            self._mounts = self._mounts_now()
            self._resources = opened.pop_all()

    def run(self) -> None:
        try:
            self.tree.look_again()
            self.settled.set()
            self._listen()
        except Exception as error:  # any error must be logged; the watcher finds the thread dead
            log.exception("watching %r ended", os.fsdecode(self._root))
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.settled.set()
            self._release()

    def look_again(self) -> None:
        """Request a comparison of the whole tree with the disk; unwatched folders become hints. For any thread."""
        self._look_again = True
        self._rouse()

    def close(self) -> None:
        """Stop listening. For any thread, even if this one was never started."""
        self._is_closing = True
        if self.ident is None:
            self._release()
            return
        self.tree.is_given_up = True
        self._rouse()
        self.join(CLOSE_SECONDS)

    @property
    def is_of_this_root(self) -> bool:
        """Whether the path of the root still leads to the folder being watched."""
        try:
            return _identity(self._root) == self.identity
        except OSError:
            return False

    # --- the thread ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        poller = select.poll()
        poller.register(self._inotify.fileno(), select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        poller.register(self._mount_table.fileno(), select.POLLPRI)
        while not self._is_closing:
            ready = dict(poller.poll(GRACE_SECONDS * 1000 if self._departures else None))
            if self._wake in ready:
                os.read(self._wake, READ_BYTES)
            if self._mount_table.fileno() in ready:
                self._compare_mounts()
            if self._inotify.fileno() in ready:
                for event in parse_events(os.read(self._inotify.fileno(), READ_BYTES)):
                    self._hear(event)
                self.tree.prune()
            if self._look_again:
                self._look_again = False
                self._compare_all()
            self._give_up_departures()
            if not self.tree.root.is_placed:
                return

    def _hear(self, event: Event) -> None:
        if event.mask & flags.Q_OVERFLOW:
            # The lost events may have concerned folders.
            self._look_again = True
            self._hints.put(EventsLost("the kernel's queue of events overflowed"))
        elif event.mask & flags.IGNORED:
            self._let_go(event.wd)
        else:
            for node in self.tree.nodes(event.wd):
                if node.is_placed:
                    self._hear_at(node, event)

    def _let_go(self, watch: int) -> None:
        for node in self.tree.dropped(watch):
            if node.parent is None:
                self._hints.put(RootLost(self._root))
            elif node.parent.is_placed:
                # It was deleted, or its filesystem unmounted; something else may have taken its place.
                self._look(node.parent, node.name)

    def _hear_at(self, node: Node, event: Event) -> None:
        mask = event.mask
        if not event.name:
            self._hear_of_itself(node, mask)
            return
        name = os.fsencode(event.name)
        path = join(node.path, name)
        if mask & flags.ISDIR:
            self._hear_of_folder(node, name, path, event)
        elif mask & flags.MOVED_FROM:
            self._departed(path, event, folder=False)
        elif mask & flags.MOVED_TO:
            self._arrived(path, event, folder=False)
        elif mask & flags.DELETE:
            self._tell(Removed(path, folder=False))
        elif mask & (flags.CREATE | flags.CLOSE_WRITE):
            self._tell(Touched(path))

    def _hear_of_itself(self, node: Node, mask: int) -> None:
        if node.parent is not None:
            return  # its parent receives the event
        if mask & flags.MOVE_SELF:
            self._hints.put(RootLost(self._root))
        elif mask & flags.ATTRIB and self.tree.unwatched:
            self._look_again = True

    def _hear_of_folder(self, node: Node, name: bytes, path: bytes, event: Event) -> None:
        if event.mask & flags.ATTRIB:
            if self.tree.is_missing(path):
                self._look(node, name)
            return
        # Always look it up on disk, because the event may be outdated.
        self.tree.look(node, name)
        if event.mask & flags.CREATE:
            self._tell(FolderTouched(path))
        elif event.mask & flags.DELETE:
            self._tell(Removed(path, folder=True))
        elif event.mask & flags.MOVED_FROM:
            self._departed(path, event, folder=True)
        elif event.mask & flags.MOVED_TO:
            self._arrived(path, event, folder=True)

    def _look(self, parent: Node, name: bytes) -> None:
        for path in self.tree.look(parent, name):
            self._tell(FolderTouched(path))

    def _compare_all(self) -> None:
        try:
            found = self.tree.look_again()
        except OSError:
            self._hints.put(RootLost(self._root))
            return
        for path in found:
            self._tell(FolderTouched(path))
        self.tree.prune()

    # --- moves -----------------------------------------------------------------------------------------------------

    def _departed(self, path: bytes, event: Event, *, folder: bool) -> None:
        if not self._is_ignored(path):
            self._departures[event.cookie] = _Departure(path, folder, time.monotonic() + GRACE_SECONDS)

    def _arrived(self, path: bytes, event: Event, *, folder: bool) -> None:
        departure = self._departures.pop(event.cookie, None)
        if departure is None:
            self._tell(FolderTouched(path) if folder else Touched(path))
        elif self._is_ignored(path):
            self._tell(Removed(departure.path, folder))
        else:
            self._tell(Moved(departure.path, path, folder))

    def _give_up_departures(self) -> None:
        """Treat what has not arrived anywhere as moved out of the root."""
        now = time.monotonic()
        for cookie, departure in list(self._departures.items()):
            if departure.until <= now:
                del self._departures[cookie]
                self._tell(Removed(departure.path, departure.folder))

    def _tell(self, hint: Touched | FolderTouched | Removed | Moved) -> None:
        if isinstance(hint, Moved) or not self._is_ignored(hint.path):
            self._hints.put(hint)

    # --- mounts ----------------------------------------------------------------------------------------------------

    def _compare_mounts(self) -> None:
        """Handle a filesystem that was mounted or unmounted, which raises no event."""
        if not self.is_of_this_root:
            self._hints.put(RootLost(self._root))
            return
        before, self._mounts = self._mounts, self._mounts_now()
        for point in sorted({point for point, _ in before ^ self._mounts}):
            folder, _, name = point.rpartition(b"/")
            parent = self.tree.node_at(folder or b"/")
            if parent is not None:
                self.tree.look(parent, name)
                self._tell(FolderTouched(point))
        self.tree.prune()

    def _mounts_now(self) -> frozenset[tuple[bytes, int]]:
        self._mount_table.seek(0)
        mounts = mount_points(self._mount_table.read())
        return frozenset((point, number) for point, number in mounts if lies_in(point, self._root))

    # --- the end ---------------------------------------------------------------------------------------------------

    def _rouse(self) -> None:
        with self._guard:
            if self._waker is not None:
                with suppress(BlockingIOError):  # a wake-up is already pending
                    os.write(self._waker, b"!")

    def _release(self) -> None:
        with self._guard:  # a closed descriptor may already belong to another file
            self._waker = None
            self._resources.close()


def limit_reached(error: OSError) -> str:
    """A message with the limit, its value and how to raise it."""
    name = LIMITS[error.errno or 0]
    value = int(Path("/proc/sys", *name.split(".")).read_text(encoding="ascii"))
    return f"{error.strerror}: {name} = {value}; `sudo sysctl {name}={2 * value}` raises it"


def _identity(path: bytes) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
