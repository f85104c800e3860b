"""Is this path protected? A protected file has many names, and it may be removed under none of them.

The same file can be reached through a symlink, a bind mount, a hard link, another case on a filesystem that ignores
case, another Unicode form of one name. So a path is protected if it is spelled like a protected one, or if it or a
folder above it is the same file on disk, by device and inode.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterator

Inode = tuple[int, int]
"""Device and inode number."""


class Protection:
    """The protected paths as they are on disk now. It remembers what it saw, so make a new one for every batch."""

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
        """Is the path itself, or any folder above it, protected?"""
        if path in self._known:
            return self._known[path]
        parent = os.path.dirname(path)
        itself = _spelling(path) in self._spelled or not self._inodes.isdisjoint(_inodes_of(path))
        self._known[path] = itself or (parent != path and self._is_below(parent))
        return self._known[path]

    def _is_hard_link(self, path: bytes) -> bool:
        """Is it another name of a file in a protected folder?"""
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
    """What to remember of a path that a person protects: the path as written, and with its links resolved."""
    written = os.path.abspath(path)
    return tuple(dict.fromkeys((written, os.path.realpath(written))))


def _spelling(path: bytes) -> str:
    """One form for all spellings that some filesystem takes for the same name."""
    text = os.fsdecode(path)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _inodes_of(path: bytes) -> list[Inode]:
    """The inodes of the name itself and of what it points to."""
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
