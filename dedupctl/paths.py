"""Operations on paths, which are bytes because a file name on Linux is bytes and nothing else.

Nothing here looks at the disk, so a symbolic link is a name like any other.
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
    """The parts joined into one path; empty parts are left out."""
    return b"/".join(part.rstrip(b"/") if part != b"/" else b"" for part in parts if part)


def lies_in(path: bytes, folder: bytes) -> bool:
    """Whether the path lies below the folder, at any depth. A folder does not lie in itself."""
    return path.startswith(_prefix(folder))


def is_or_lies_in(path: bytes, folder: bytes) -> bool:
    """Whether the path is the folder or lies below it."""
    return path == folder or lies_in(path, folder)


def relative_to(path: bytes, folder: bytes) -> bytes:
    """The path relative to the folder. A path that does not lie in the folder is returned unchanged."""
    return path.removeprefix(_prefix(folder))


def suffix(path: bytes) -> bytes:
    """The extension in lower case, including the dot; b"" if there is none."""
    return os.path.splitext(path)[1].lower()


def matches_any(path: bytes, globs: Collection[str]) -> bool:
    """Whether one of the globs matches the path. `*` matches any characters, including slashes."""
    text = os.fsdecode(path)
    return any(fnmatch.fnmatchcase(text, glob) for glob in globs)


def _prefix(folder: bytes) -> bytes:
    return folder.rstrip(b"/") + b"/"
