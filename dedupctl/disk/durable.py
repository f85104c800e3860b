"""Writes that survive a power cut: a path holds either the old bytes or the new ones, never a mixture."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""Errors of filesystems that cannot sync folders (some FUSE and network ones) because they have nothing to flush."""


def sync_file(descriptor: int) -> None:
    """Flush the bytes of an open file to the disk.

    Raises:
        OSError: the disk failed; what was written may be lost in a power cut.
    """
    os.fsync(descriptor)


def sync_folder(folder: int) -> None:
    """Flush the names in an open folder to the disk.

    Raises:
        OSError: the disk failed. A filesystem that cannot sync folders does not count as a failure.
    """
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise


def sync_path(path: Path | bytes) -> None:
    """Flush what is at this path to the disk: the bytes of a file, or the names in a folder.

    Raises:
        OSError: as `sync_file` and `sync_folder`.
    """
    is_folder = os.path.isdir(path)
    if os.name == "nt" and is_folder:  # Windows cannot open folders, and their names are durable without it
        return
    descriptor = os.open(path, (os.O_RDWR if os.name == "nt" else os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0))
    try:
        (sync_folder if is_folder else sync_file)(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data; write(2) may write less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_new(path: bytes, data: bytes, *, mode: int = 0o600) -> None:
    """Create a new file and sync its bytes to the disk. The caller must sync the folder.

    Raises:
        FileExistsError: the name is taken.
        OSError: it could not be written; the partial file was removed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, mode)
    try:
        write_all(descriptor, data)
        sync_file(descriptor)
    except OSError:
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


@contextmanager
def durable_file(path: Path, suffix: str = ".part") -> Iterator[Path]:
    """Yield a temporary path to write to; after the block its bytes are on the disk as `path`.

    If the block fails, `path` is unchanged.

    `suffix` makes the temporary name; concurrent writers of one path each need a different one.
    """
    part = path.with_name(path.name + suffix)
    try:
        yield part
        sync_path(part)
        part.replace(path)
        sync_path(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
