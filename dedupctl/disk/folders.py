"""Folders, opened so that no name in them can be swapped for a link to somewhere else between a look and a deed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NamedTuple

from dedupctl.disk.durable import sync_folder
from dedupctl.errors import DedupctlError

KEPT_OPEN = 64
"""Folders; far below what a process may have open."""
SYNCS_AT_ONCE = 16


class At(NamedTuple):
    """A name in an open folder."""

    folder: int
    """Descriptor of the folder."""
    name: bytes

    def status(self) -> os.stat_result:
        """Of the name itself, never of what a link points to."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def exists(self) -> bool:
        try:
            self.status()
        except FileNotFoundError:
            return False
        return True

    def open(self) -> int:
        """A descriptor for reading; a link, pipe or device is refused by the caller's look at its status."""
        return os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.folder)

    def unlink(self) -> None:
        os.unlink(self.name, dir_fd=self.folder)


@contextmanager
def opened_folder(base: bytes, relative: bytes = b"", *, create: bool = False) -> Iterator[int]:
    """The folder `relative` below `base`, where no part of `relative` may be a symlink.

    With `create`, missing folders are made and put on the disk.

    Raises:
        OSError: missing, not a folder, or a symlink on the way (ELOOP, with its absolute path as `filename`).
    """
    folder = _open_folder(base, relative, create=create)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def standing_at(base: bytes, relative: bytes, *, create: bool = False) -> Iterator[At]:
    """The place of a file below `base`, its folder opened as `opened_folder` does."""
    below, _, name = relative.rpartition(b"/")
    folder = _open_folder(base, below, create=create)
    try:
        yield At(folder, name)
    finally:
        os.close(folder)


class OpenFolders:
    """Folders that are kept open while a batch is worked through: most of its files lie side by side.

    A folder is used again only while its path still leads to the very folder that was opened: one that was renamed,
    unmounted or replaced in between is looked up anew, as `standing_at` does it.
    """

    def __init__(self) -> None:
        self._opened: dict[tuple[bytes, bytes], tuple[int, tuple[int, int]]] = {}

    def at(self, base: bytes, relative: bytes, *, create: bool = False) -> At:
        """The place of a file below `base`; good until a few more places were asked for.

        Raises:
            OSError: as `opened_folder`.
        """
        below, _, name = relative.rpartition(b"/")
        known = self._opened.pop((base, below), None)
        if known is not None and not _leads_to(base + b"/" + below, known[1]):
            os.close(known[0])
            known = None
        if known is None:
            folder = _open_folder(base, below, create=create)
            status = os.fstat(folder)
            known = folder, (status.st_dev, status.st_ino)
        self._opened[base, below] = known
        if len(self._opened) > KEPT_OPEN:
            oldest = next(iter(self._opened))
            os.close(self._opened.pop(oldest)[0])
        return At(known[0], name)

    def close(self) -> None:
        while self._opened:
            os.close(self._opened.popitem()[1][0])


def make_folders(base: bytes, folders: Iterable[bytes]) -> None:
    """Make folders below `base`, and put them on the disk with one sync for all that were made in one folder.

    Raises:
        OSError: one could not be made; others may have been.
    """
    wanted = {part for folder in folders for part in _with_parents(folder)}
    grown: dict[bytes, None] = {}
    for folder in sorted(wanted):
        above, _, name = folder.rpartition(b"/")
        with opened_folder(base, above) as opened, suppress(FileExistsError):
            os.mkdir(name, dir_fd=opened)
            grown[above] = None
    for above in grown:
        with opened_folder(base, above) as opened:
            sync_folder(opened)


def sync_folders(paths: Iterable[bytes]) -> None:
    """Put the names in these folders on the disk. A folder that is gone needs it no more.

    Several at once: a disk that is told to flush while it flushes does both in one go.

    Raises:
        DedupctlError: the disk failed; nothing may be called done.
    """
    folders = sorted(set(paths))
    if folders:
        with ThreadPoolExecutor(min(len(folders), SYNCS_AT_ONCE)) as pool:
            list(pool.map(_sync_folder, folders))


def _sync_folder(path: bytes) -> None:
    try:
        with opened_folder(path) as folder:
            sync_folder(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DedupctlError(f"cannot put {os.fsdecode(path)} on the disk: {error.strerror}") from error


def _leads_to(path: bytes, folder: tuple[int, int]) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == folder


def _with_parents(folder: bytes) -> Iterator[bytes]:
    while folder:
        yield folder
        folder = folder.rpartition(b"/")[0]


def _open_folder(base: bytes, relative: bytes, *, create: bool) -> int:
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    reached = base
    for part in relative.split(b"/") if relative else ():
        above, reached = folder, reached + b"/" + part
        try:
            folder = _step_down(above, part, create=create)
        except NotADirectoryError as error:
            # The system says the same of a link as of a file, but the user must know which link was planted where.
            if stat.S_ISLNK(os.stat(part, dir_fd=above, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), reached) from error
            raise
        finally:
            os.close(above)
    return folder


def _step_down(folder: int, part: bytes, *, create: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(part, flags, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(part, dir_fd=folder)
    sync_folder(folder)
    return os.open(part, flags, dir_fd=folder)
