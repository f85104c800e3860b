"""Paths of users as values: bytes, because a file name on Linux is bytes and nothing else.

Pure arithmetic on names. Nothing here looks at the disk, so a symlink is a name like any other.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection


def split(path: bytes) -> tuple[bytes, bytes]:
    """(folder, name) of a path relative to its root."""
    folder, _, name = path.rpartition(b"/")
    return folder, name


def join(*parts: bytes) -> bytes:
    """One path from its parts; empty parts are left out."""
    return b"/".join(part.rstrip(b"/") if part != b"/" else b"" for part in parts if part)


def lies_in(path: bytes, folder: bytes) -> bool:
    """The path lies below the folder, at any depth; a folder does not lie in itself."""
    return path.startswith(_prefix(folder))


def is_or_lies_in(path: bytes, folder: bytes) -> bool:
    """The path is the folder, or lies below it."""
    return path == folder or lies_in(path, folder)


def relative_to(path: bytes, folder: bytes) -> bytes:
    """What remains of a path below the folder; a path that does not lie in the folder is returned as it is."""
    return path.removeprefix(_prefix(folder))


def suffix(path: bytes) -> bytes:
    """The extension in lower case, with its dot; b"" without one."""
    return os.path.splitext(path)[1].lower()


def matches_any(path: bytes, globs: Collection[str]) -> bool:
    """One of the globs matches the path; `*` matches any characters, slashes too."""
    text = os.fsdecode(path)
    return any(fnmatch.fnmatchcase(text, glob) for glob in globs)


def _prefix(folder: bytes) -> bytes:
    return folder.rstrip(b"/") + b"/"
