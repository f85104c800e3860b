"""What stands on disk at a path or above it: tells a file that is gone from a disk that is not mounted."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from dedupctl.domain import Identity
from dedupctl.paths import join


@dataclass(frozen=True, slots=True)
class Standing:
    """A folder that is there."""

    folder: bytes
    """Relative to its root."""
    device: int


def closest_standing(root: bytes, folder: bytes, *, follow: bool) -> Standing:
    """`folder`, or the closest folder above it that stands on disk.

    Unless links are followed, a link that took a folder's place is not that folder.

    Raises:
        OSError: it cannot be told, because the root is not there or a folder on the way may not be looked into.
    """
    look = os.stat if follow else os.lstat
    standing = Standing(b"", os.stat(root).st_dev)
    for name in folder.split(b"/") if folder else ():
        below = join(standing.folder, name)
        try:
            status = look(join(root, below))
        except (FileNotFoundError, NotADirectoryError):
            break
        if not stat.S_ISDIR(status.st_mode):
            break
        standing = Standing(below, status.st_dev)
    return standing


def identity_of_file(path: bytes, *, follow: bool) -> Identity | None:
    """The identity of the regular file at this path; None where there is none.

    Raises:
        OSError: it cannot be told.
    """
    try:
        status = os.stat(path) if follow else os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Identity.of(status) if stat.S_ISREG(status.st_mode) else None


def stands_at(path: bytes, identity: Identity) -> bool:
    """The inode of this identity can (still) be found under this path."""
    try:
        return Identity.of(os.lstat(path))[:2] == identity[:2]
    except OSError:
        return False
