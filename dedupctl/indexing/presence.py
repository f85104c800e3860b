"""What exists on disk at a path or above it. This distinguishes a deleted file from a disk that is not mounted."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from dedupctl.domain import Identity
from dedupctl.paths import join


@dataclass(frozen=True, slots=True)
class PresentFolder:
    """A folder that exists on disk."""

    folder: bytes
    """Relative to its root."""
    device: int


def closest_present_folder(root: bytes, folder: bytes, *, follow: bool) -> PresentFolder:
    """`folder`, or the closest folder above it that exists on disk.

    Unless links are followed, a symbolic link that replaced a folder does not count as that folder.

    Raises:
        OSError: the root is missing, or a folder on the way cannot be accessed.
    """
    look = os.stat if follow else os.lstat
    present = PresentFolder(b"", os.stat(root).st_dev)
    for name in folder.split(b"/") if folder else ():
        below = join(present.folder, name)
        try:
            status = look(join(root, below))
        except (FileNotFoundError, NotADirectoryError):
            break
        if not stat.S_ISDIR(status.st_mode):
            break
        present = PresentFolder(below, status.st_dev)
    return present


def identity_of_file(path: bytes, *, follow: bool) -> Identity | None:
    """The identity of the regular file at this path, or None if there is no such file.

    Raises:
        OSError: the path cannot be examined.
    """
    try:
        status = os.stat(path) if follow else os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Identity.of(status) if stat.S_ISREG(status.st_mode) else None


def is_inode_at(path: bytes, identity: Identity) -> bool:
    """Whether this path (still) leads to the inode of this identity."""
    try:
        return Identity.of(os.lstat(path))[:2] == identity[:2]
    except OSError:
        return False
