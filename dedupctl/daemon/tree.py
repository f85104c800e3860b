"""The folders that are watched, by what the kernel says they are and not by what they were once called.

`inotify_add_watch` answers with the same descriptor for the same inode, whatever path led to it. So a tree is never
corrected by guessing from events: an event names an entry that may have changed, the entry is looked up on disk, and
the descriptor that the kernel gives for it tells which folder stands there now. A path is kept as a chain of names,
so that what is below a moved folder needs no rewriting; one folder that is mounted at two places has two nodes.

That is eventually right whatever the order of moves, swaps and deletions: a folder is watched before it is listed, so
whatever happens in it after it was listed raises an event, which is answered by another look.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

from inotify_simple import INotify, flags

from dedupctl.paths import is_or_lies_in, join, relative_to

IsIgnored = Callable[[bytes], bool]
"""Says of a path that it is none of our business, like everything below it."""

LIMITS = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}
"""The sysctl behind each way in which inotify refuses."""

EVENTS = (
    flags.CREATE
    | flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE
    | flags.ATTRIB
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
    | flags.EXCL_UNLINK
)
"""Neither opening nor reading (our own scan would fill the queue), nor each single write: closing tells its end.
ATTRIB, because a folder that becomes readable is to be watched from then on."""


NOWHERE = -1
"""The watch of a node that is no longer in the tree."""


class Node:
    """One folder at one place. The root's name is its whole path."""

    __slots__ = ("children", "name", "parent", "watch")

    def __init__(self, name: bytes, parent: Node | None, watch: int) -> None:
        self.name = name
        self.parent = parent
        self.watch = watch
        self.children: dict[bytes, Node] = {}

    @property
    def path(self) -> bytes:
        names = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return b"/".join([node.name.rstrip(b"/"), *reversed(names)]) if names else node.name

    @property
    def is_placed(self) -> bool:
        """It has not been taken out of the tree since."""
        return self.watch != NOWHERE

    def below(self) -> Iterator[Node]:
        """Itself and every node below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            waiting += node.children.values()
            yield node


class WatchTree:
    """Every folder below `root` that may be watched, with its watch. For one thread."""

    def __init__(self, inotify: INotify, root: bytes, is_ignored: IsIgnored) -> None:
        """Watch the root itself; `look_again` goes on from there.

        Raises:
            OSError: it cannot be watched.
        """
        self.unwatched: dict[bytes, str] = {}
        """Folders that cannot be watched (and so nothing below them), with the reason."""
        self.refusal: OSError | None = None
        """Why a folder could not be watched, where a limit of `LIMITS` was reached."""
        self.is_given_up = False
        """Whoever closes it waits for a look to end, which may be half through a slow disk."""
        self._inotify = inotify
        self._is_ignored = is_ignored
        self._at: dict[int, list[Node]] = {}
        self._orphans: set[int] = set()
        self.root = Node(root, None, inotify.add_watch(root, EVENTS))
        self._at[self.root.watch] = [self.root]

    def __len__(self) -> int:
        """How many watches are used."""
        return len(self._at)

    def nodes(self, watch: int) -> tuple[Node, ...]:
        """Where the folder of this watch stands; nowhere if it was let go of."""
        return tuple(self._at.get(watch, ()))

    def node_at(self, path: bytes) -> Node | None:
        """The node of the folder at this absolute path."""
        if path == self.root.name:
            return self.root
        node: Node | None = self.root
        for name in relative_to(path, self.root.name).split(b"/"):
            if node is not None and name:
                node = node.children.get(name)
        return node

    def look(self, parent: Node, name: bytes) -> list[bytes]:
        """Bring one entry of a folder in line with the disk, and all that is below it.

        Returns:
            The folders that were not watched before; one that lies in another of them goes without saying.
        """
        placed = self._place(parent, name, join(parent.path, name))
        return [] if placed is None else self._look_below(*placed)

    def look_again(self) -> list[bytes]:
        """Bring the whole tree in line with the disk; returns as `look`.

        Raises:
            OSError: the root cannot be watched any more.
        """
        self.unwatched.clear()
        watch = self._inotify.add_watch(self.root.name, EVENTS)
        if watch != self.root.watch:
            raise FileNotFoundError(errno.ENOENT, "another folder stands in its place", self.root.name)
        return self._look_below(self.root, is_fresh=False)

    def is_missing(self, path: bytes) -> bool:
        """The folder at this path, or one below it, could not be watched."""
        return any(is_or_lies_in(at, path) for at in self.unwatched)

    def dropped(self, watch: int) -> list[Node]:
        """The kernel gave up a watch: its folder was deleted or unmounted. Returns where it stood."""
        nodes = self._at.pop(watch, [])
        self._orphans.discard(watch)
        for node in nodes:
            self._detach(node)
        return nodes

    def prune(self) -> None:
        """Give back the watches of folders that are nowhere in the tree any more.

        Called when every event at hand has been answered: a folder that was moved within the tree has its place by
        then, and its watch lived through the move.
        """
        for watch in self._orphans:
            if watch in self._at and not self._at[watch]:
                del self._at[watch]
                try:
                    self._inotify.rm_watch(watch)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # the kernel was faster
                        raise
        self._orphans.clear()

    def _look_below(self, start: Node, is_fresh: bool) -> list[bytes]:
        fresh = [start.path] if is_fresh else []
        waiting = [(start, is_fresh)]
        while waiting and self.refusal is None and not self.is_given_up:
            folder, is_fresh = waiting.pop()
            if not folder.is_placed:
                continue
            path = folder.path
            names = self._subfolders(path)
            if names is None:
                continue
            for name in folder.children.keys() - names:
                self._detach(folder.children[name])
            for name in names:
                below = join(path, name)
                placed = self._place(folder, name, below)
                if placed is not None:
                    if placed[1] and not is_fresh:
                        fresh.append(below)
                    waiting.append((placed[0], placed[1] or is_fresh))
        return fresh

    def _place(self, parent: Node, name: bytes, path: bytes) -> tuple[Node, bool] | None:
        """What stands at this path gets its node; tells whether it was watched nowhere before."""
        before = parent.children.get(name)
        watch = None if self._is_ignored(path) else self._watch(path)
        if before is not None and before.watch == watch:
            return before, False
        if before is not None:
            self._detach(before)
        if watch is None:
            return None
        node = parent.children[name] = Node(name, parent, watch)
        is_fresh = watch not in self._at
        self._at.setdefault(watch, []).append(node)
        return node, is_fresh

    def _watch(self, path: bytes) -> int | None:
        self._say_no_more_of(path)
        try:
            return int(self._inotify.add_watch(path, EVENTS))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in LIMITS:
                self.refusal = error
            self.unwatched[path] = error.strerror or str(error)
            return None

    def _subfolders(self, path: bytes) -> set[bytes] | None:
        """The names of the folders in this one; None if it cannot be listed, and what is below stays as it is."""
        try:
            with os.scandir(path) as entries:
                return {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.unwatched[path] = error.strerror or str(error)
            return None

    def _detach(self, node: Node) -> None:
        """Take a node out of the tree, with everything below it; the watches may find another place yet."""
        if self.unwatched:
            self._say_no_more_of(node.path)
        if node.parent is not None and node.parent.children.get(node.name) is node:
            del node.parent.children[node.name]
        for one in node.below():
            places = self._at.get(one.watch)
            if places is not None and one in places:
                places.remove(one)
                if not places:
                    self._orphans.add(one.watch)
            one.watch = NOWHERE

    def _say_no_more_of(self, path: bytes) -> None:
        if self.unwatched:
            self.unwatched = {at: why for at, why in self.unwatched.items() if not is_or_lies_in(at, path)}
