"""May nothing remove this path? A protected file has many names, and none of them may get it removed.

The same file can be reached through a symlink, a bind mount, a hard link, another case on a filesystem that ignores
case, another Unicode form of one name. So a path is protected when it is spelled like a protected one, or when it or a
folder above it is, by device and inode, the same thing on disk.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterator

Inode = tuple[int, int]
"""Device and inode number."""


class Protection:
    """The protected paths as they are on the disk now. Made anew for every batch: what it saw is remembered."""

    def __init__(self, paths: Collection[bytes]) -> None:
        self._spelled = {_spelling(form) for path in paths for form in (path, os.path.realpath(path))}
        self._inodes = {inode for path in paths for inode in _inodes_of(path)}
        self._folders = [path for path in paths if os.path.isdir(path)]
        self._known: dict[bytes, bool] = {}
        self._linked_inside: set[Inode] | None = None

    def covers(self, path: bytes) -> bool:
        """Is the file or folder at this absolute path protected, under whatever name?"""
        if not self._spelled:
            return False
        return self._is_below(path) or self._is_below(os.path.realpath(path)) or self._is_hard_link(path)

    def _is_below(self, path: bytes) -> bool:
        """The path itself, or any folder above it, is a protected one."""
        if path in self._known:
            return self._known[path]
        parent = os.path.dirname(path)
        itself = _spelling(path) in self._spelled or not self._inodes.isdisjoint(_inodes_of(path))
        self._known[path] = itself or (parent != path and self._is_below(parent))
        return self._known[path]

    def _is_hard_link(self, path: bytes) -> bool:
        """One more name of a file that lies in a protected folder."""
        try:
            status = os.lstat(path)
        except OSError:
            return False
        if status.st_nlink < 2 or not stat.S_ISREG(status.st_mode):
            return False
        if self._linked_inside is None:
            self._linked_inside = {inode for folder in self._folders for inode in _linked_files(folder)}
        return (status.st_dev, status.st_ino) in self._linked_inside


def protected_forms(path: bytes) -> tuple[bytes, ...]:
    """What to remember of a path that a person wants protected: as it was written, and as it really is."""
    written = os.path.abspath(path)
    return tuple(dict.fromkeys((written, os.path.realpath(written))))


def _spelling(path: bytes) -> str:
    """One form for all spellings of a name that some filesystem takes for the same."""
    text = os.fsdecode(path)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _inodes_of(path: bytes) -> list[Inode]:
    """Of the name itself and of what it points to."""
    found = []
    for look in (os.lstat, os.stat):
        try:
            status = look(path)
        except (OSError, ValueError):
            continue
        found.append((status.st_dev, status.st_ino))
    return found


def _linked_files(folder: bytes) -> Iterator[Inode]:
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(where, name))
            except OSError:
                continue
            if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
                yield status.st_dev, status.st_ino
