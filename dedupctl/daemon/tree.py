"""The watched folders, identified by the kernel's watch descriptors rather than by their former paths.

`inotify_add_watch` returns the same descriptor for the same inode, whatever path led to it. The tree is therefore never
updated by guessing from events: an event names an entry that may have changed, the entry is looked up on disk, and the
descriptor tells which folder is there now. A path is stored as a chain of names, so that nothing below a moved folder
needs rewriting. A folder mounted at two places has two nodes.

The tree converges whatever the order of moves, swaps and deletions: a folder is watched before it is listed, so any
later change in it raises an event, which leads to another look-up.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

from inotify_simple import INotify, flags

from dedupctl.paths import is_or_lies_in, join, relative_to

IsIgnored = Callable[[bytes], bool]
"""Whether a path, with everything below it, is ignored."""

LIMITS = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}
"""The sysctl behind each error with which inotify reports a limit."""

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
"""Opening and reading are left out, because our own scan would fill the queue. So is each single write, because closing
marks its end. ATTRIB is included because a folder that becomes readable must be watched from then on."""


NOWHERE = -1
"""The watch of a node that is no longer in the tree."""


class Node:
    """One folder at one path. The root's name is its whole path."""

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
        """Whether the node is still in the tree."""
        return self.watch != NOWHERE

    def below(self) -> Iterator[Node]:
        """This node and every node below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            waiting += node.children.values()
            yield node


class WatchTree:
    """Every folder below `root` that can be watched, with its watch. For one thread."""

    def __init__(self, inotify: INotify, root: bytes, is_ignored: IsIgnored) -> None:
        """Watch only the root; `look_again` adds the folders below it.

        Raises:
            OSError: the root cannot be watched.
        """
        self.unwatched: dict[bytes, str] = {}
        """Folders that cannot be watched, and therefore nothing below them, with the reason."""
        self.refusal: OSError | None = None
        """The error of a folder that could not be watched because a limit of `LIMITS` was reached."""
        self.is_given_up = False
        """Set on closing to end a traversal early, because it may take long on a slow disk."""
        self._inotify = inotify
        self._is_ignored = is_ignored
        self._at: dict[int, list[Node]] = {}
        self._orphans: set[int] = set()
        self.root = Node(root, None, inotify.add_watch(root, EVENTS))
        self._at[self.root.watch] = [self.root]

    def __len__(self) -> int:
        """The number of watches in use."""
        return len(self._at)

    def nodes(self, watch: int) -> tuple[Node, ...]:
        """The nodes of the folder with this watch; empty if the watch was released."""
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
        """Bring one entry of a folder, and everything below it, in line with the disk.

        Returns:
            The newly watched folders, without those that lie inside another of them.
        """
        placed = self._place(parent, name, join(parent.path, name))
        return [] if placed is None else self._look_below(*placed)

    def look_again(self) -> list[bytes]:
        """Bring the whole tree in line with the disk; returns as `look`.

        Raises:
            OSError: the root can no longer be watched.
        """
        self.unwatched.clear()
        watch = self._inotify.add_watch(self.root.name, EVENTS)
        if watch != self.root.watch:
            raise FileNotFoundError(errno.ENOENT, "another folder has taken its place", self.root.name)
        return self._look_below(self.root, is_fresh=False)

    def is_missing(self, path: bytes) -> bool:
        """Whether the folder at this path, or one below it, could not be watched."""
        return any(is_or_lies_in(at, path) for at in self.unwatched)

    def dropped(self, watch: int) -> list[Node]:
        """Handle a watch whose folder was deleted or unmounted. Returns its former nodes."""
        nodes = self._at.pop(watch, [])
        self._orphans.discard(watch)
        for node in nodes:
            self._detach(node)
        return nodes

    def prune(self) -> None:
        """Release the watches of folders that are no longer in the tree.

        Called after all pending events are handled: by then, a folder moved within the tree has its new node, and its
        watch survived the move.
        """
        for watch in self._orphans:
            if watch in self._at and not self._at[watch]:
                del self._at[watch]
                try:
                    self._inotify.rm_watch(watch)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # the kernel has already removed it
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
        """Create or keep the node for this path; also returns whether its folder was not watched anywhere before."""
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
        self._forget_unwatched(path)
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
        """The names of the subfolders; None if the folder cannot be listed, which leaves the nodes below unchanged."""
        try:
            with os.scandir(path) as entries:
                return {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.unwatched[path] = error.strerror or str(error)
            return None

    def _detach(self, node: Node) -> None:
        """Remove a node and everything below it from the tree. The watches may still get new nodes."""
        if self.unwatched:
            self._forget_unwatched(node.path)
        if node.parent is not None and node.parent.children.get(node.name) is node:
            del node.parent.children[node.name]
        for one in node.below():
            nodes = self._at.get(one.watch)
            if nodes is not None and one in nodes:
                nodes.remove(one)
                if not nodes:
                    self._orphans.add(one.watch)
            one.watch = NOWHERE

    def _forget_unwatched(self, path: bytes) -> None:
        if self.unwatched:
            self.unwatched = {at: why for at, why in self.unwatched.items() if not is_or_lies_in(at, path)}
