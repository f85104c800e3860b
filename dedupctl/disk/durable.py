"""Writing that survives a power cut: a name leads to the old bytes or to the new ones, never to half of either."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What filesystems answer that keep no folder in memory (some FUSE and network ones): there is nothing to flush."""


def sync_file(descriptor: int) -> None:
    """Flush the bytes of an open file to the disk.

    Raises:
        OSError: the disk failed; what was written may not be there after a power cut.
    """
    os.fsync(descriptor)


def sync_folder(folder: int) -> None:
    """Flush the names in an open folder to the disk.

    Raises:
        OSError: the disk failed. A filesystem that cannot sync folders is no failure.
    """
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise


def sync_path(path: Path | bytes) -> None:
    """Flush what stands at this path: a file's bytes, or a folder's names.

    Raises:
        OSError: as `sync_file` and `sync_folder`.
    """
    is_folder = os.path.isdir(path)
    if os.name == "nt" and is_folder:  # a folder cannot be opened there; its names are safe without
        return
    descriptor = os.open(path, (os.O_RDWR if os.name == "nt" else os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0))
    try:
        (sync_folder if is_folder else sync_file)(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data; write(2) may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_new(path: bytes, data: bytes, *, mode: int = 0o600) -> None:
    """Make a file that was not there, with its bytes on the disk. Its name is the caller's to sync.

    Raises:
        FileExistsError: something stands there.
        OSError: it could not be written; nothing is left at the name.
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
    """A path to write to. After the block its bytes are on the disk as `path`; if it fails, `path` is as before.

    `suffix` makes the temporary name; writers that may meet on one path each need one of their own.
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
