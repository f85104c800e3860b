"""Open folders: between a check and the operation that follows, nobody can swap a part of the path for a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NamedTuple

from dedupctl.disk.durable import sync_folder
from dedupctl.disk.root_marker import OWN_FOLDER, QUARANTINE
from dedupctl.errors import DedupctlError
from dedupctl.paths import is_or_lies_in, join, split

KEPT_OPEN = 64
"""Number of folders; far below the limit of open descriptors per process."""
SYNCS_AT_ONCE = 16
_PRIVATE = 0o700


class At(NamedTuple):
    """A name in an open folder."""

    folder: int
    """Descriptor of the folder."""
    name: bytes

    def status(self) -> os.stat_result:
        """The status of the name itself, never of what a link points to."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def exists(self) -> bool:
        try:
            self.status()
        except FileNotFoundError:
            return False
        return True

    def open(self) -> int:
        """A descriptor for reading. Opening a link fails; the caller must check that it is not a pipe or device."""
        return os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.folder)

    def unlink(self) -> None:
        os.unlink(self.name, dir_fd=self.folder)


@contextmanager
def opened_folder(base: bytes, relative: bytes = b"") -> Iterator[int]:
    """The folder `relative` below `base`, where no part of `relative` may be a symlink.

    Raises:
        OSError: it is missing, is not a folder, or has a symlink on the way (ELOOP, with the link's absolute path as
            `filename`).
    """
    folder = _open_folder(base, relative)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def standing_at(base: bytes, relative: bytes, *, create_like: bytes | None = None) -> Iterator[At]:
    """The place of a file below `base`, with its folder opened as `opened_folder` does.

    `create_like` is the absolute path of the file that will move here. If it is given, missing folders are created and
    synced. Each gets the mode of the folder it mirrors: whoever could not read the file before cannot read it here.
    """
    below, _, name = relative.rpartition(b"/")
    folder = _open_folder(base, below, create_like)
    try:
        yield At(folder, name)
    finally:
        os.close(folder)


class OpenFolders:
    """Keeps folders open during a batch, because most files of a batch are in the same few folders.

    A folder is reused only while its path still leads to the folder that was opened. One that has been renamed,
    unmounted or replaced is opened again, as `standing_at` does.
    """

    def __init__(self) -> None:
        self._opened: dict[tuple[bytes, bytes], tuple[int, tuple[int, int]]] = {}

    def at(self, base: bytes, relative: bytes, *, create_like: bytes | None = None) -> At:
        """The place of a file below `base`; valid until `KEPT_OPEN` other folders have been asked for.

        Raises:
            OSError: as `opened_folder`.
        """
        below, _, name = relative.rpartition(b"/")
        known = self._opened.pop((base, below), None)
        if known is not None and not _leads_to(base + b"/" + below, known[1]):
            os.close(known[0])
            known = None
        if known is None:
            folder = _open_folder(base, below, create_like)
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


def make_quarantine(root: bytes, folders: Mapping[bytes, bytes]) -> None:
    """Create folders in the `.dedupctl` folder of a root, with one sync per parent folder.

    Args:
        folders: for each folder, the absolute path of a file that will move there; see `create_like` of `standing_at`.

    Raises:
        OSError: one could not be created; others may have been. A root without `.dedupctl` gets none: its disk is gone.
    """
    wanted = {part: (folder, like) for folder, like in folders.items() for part in _with_parents(folder)}
    del wanted[OWN_FOLDER]
    grown: dict[bytes, None] = {}
    with opened_folder(root, OWN_FOLDER) as own:
        _close_to_others(own, OWN_FOLDER)
        with suppress(FileExistsError):
            _make(own, split(QUARANTINE)[1], _PRIVATE)
            grown[OWN_FOLDER] = None
    with opened_folder(root, QUARANTINE) as quarantine:
        _close_to_others(quarantine, QUARANTINE)
    for part, (folder, like) in sorted(wanted.items()):
        above, _, name = part.rpartition(b"/")
        with opened_folder(root, above) as opened, suppress(FileExistsError):
            _make(opened, name, _mode_of(folder, part, like))
            grown[above] = None
    for above in grown:
        with opened_folder(root, above) as opened:
            sync_folder(opened)


def sync_folders(paths: Iterable[bytes]) -> None:
    """Flush the names in these folders to the disk. Folders that no longer exist are skipped.

    Runs several in parallel: a disk merges flushes that are requested at the same time.

    Raises:
        DedupctlError: the disk failed; the caller must not record anything as done.
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
        raise DedupctlError(f"cannot flush {os.fsdecode(path)} to the disk: {error.strerror}") from error


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


def _open_folder(base: bytes, relative: bytes, create_like: bytes | None = None) -> int:
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    reached = b""
    for part in relative.split(b"/") if relative else ():
        above, reached = folder, join(reached, part)
        try:
            folder = _step_down(above, relative, reached, create_like)
        except NotADirectoryError as error:
            # The system reports the same error for a link as for a file, but the user must know which link it is.
            if stat.S_ISLNK(os.stat(part, dir_fd=above, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), join(base, reached)) from error
            raise
        finally:
            os.close(above)
    return folder


def _step_down(above: int, relative: bytes, reached: bytes, create_like: bytes | None) -> int:
    name = split(reached)[1]
    try:
        folder = _opened_in(above, name)
    except FileNotFoundError:
        if create_like is None:
            raise
        with suppress(FileExistsError):
            _make(above, name, _mode_of(relative, reached, create_like))
        sync_folder(above)
        folder = _opened_in(above, name)
    if create_like is not None:
        _close_to_others(folder, reached)
    return folder


def _opened_in(folder: int, name: bytes) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def _make(above: int, name: bytes, mode: int | None) -> None:
    """Create a folder with exactly this mode; None means the default of the user's umask.

    Raises:
        FileExistsError: it already exists.
    """
    os.mkdir(name, 0o777 if mode is None else _PRIVATE, dir_fd=above)
    if mode is not None:
        made = _opened_in(above, name)
        try:
            os.fchmod(made, mode)
        except PermissionError:
            # systemd's RestrictSUIDSGID, which the shipped units set, forbids setting the bits above these.
            os.fchmod(made, mode & 0o777)
        finally:
            os.close(made)


def _mode_of(relative: bytes, reached: bytes, like: bytes) -> int | None:
    """The mode of a folder that is created on the way to `relative`, the folder of a file that comes from `like`.

    The quarantine mirrors the folders that a file was in, and a restore mirrors them back. Each gets the mode of the
    folder with the same name at the same distance above the file. All other folders of the quarantine are private.
    """
    model = split(like)[0]
    for _ in range(relative[len(reached) :].count(b"/")):
        model = split(model)[0]
    with suppress(OSError):
        status = os.lstat(model)
        if split(model)[1] == split(reached)[1] and stat.S_ISDIR(status.st_mode):
            return stat.S_IMODE(status.st_mode) | _PRIVATE
    return _PRIVATE if is_or_lies_in(reached, OWN_FOLDER) else None


def _close_to_others(folder: int, reached: bytes) -> None:
    """Withdraw access from others: an earlier version made `.dedupctl` and the quarantine readable for everybody.

    Others may still pass through `.dedupctl`: the catalog of another user may know the root by the marker in it.
    """
    too_much = {OWN_FOLDER: 0o066, QUARANTINE: 0o077}.get(reached, 0)
    mode = stat.S_IMODE(os.fstat(folder).st_mode) if too_much else 0
    if mode & too_much:
        with suppress(PermissionError):  # it belongs to another user
            os.fchmod(folder, mode & ~too_much)
