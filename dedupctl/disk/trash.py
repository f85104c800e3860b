"""The desktop's trash can, as the freedesktop.org trash specification 1.0 lays it out."""

from __future__ import annotations

import datetime
import os
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from dedupctl.disk.durable import write_new

_LONGEST_INFO = 1 << 16
INFO_SUFFIX = b".trashinfo"


def trash_for(path: bytes) -> bytes:
    """The trash folder on the filesystem of the file at `path`: the home trash, or the one of its mount point."""
    home = os.path.join(_data_home(), b"Trash")
    device = os.lstat(path).st_dev
    return home if _device_of(home) == device else os.path.join(_mount_point(path), b".Trash-%d" % os.getuid())


def make_trash(files: bytes) -> None:
    """Make the folder for trashed files, unless there is one, for its owner alone (so demands the specification)."""
    for folder in (os.path.dirname(files), files):
        os.makedirs(folder, mode=0o700, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash, with what the trash is told of it. Paths are absolute, the time is seconds since 1970."""

    path: bytes
    original: bytes
    at: int

    def write_info(self) -> None:
        """Say where the file in the trash came from, before it comes (so demands the specification).

        Raises:
            FileExistsError: the name is taken in the trash.
        """
        os.makedirs(os.path.dirname(_info_of(self.path)), mode=0o700, exist_ok=True)
        write_new(_info_of(self.path), self._info)

    def has_info(self) -> bool:
        """The trash holds what `write_info` wrote, and not what another program said of a file of that name."""
        return self._found() == self._info

    def forget_info(self) -> None:
        """The file never came to the trash; what another program says of a file of that name stays."""
        if self.has_info():
            self._unlink_info()

    def forget_restored(self) -> None:
        """The file has left the trash: whoever trashed it, and when, what is said of its path is true no more."""
        if self._found().startswith(self._head):
            self._unlink_info()

    @property
    def _head(self) -> bytes:
        folder = os.path.dirname(os.path.dirname(self.path))
        at_home = folder == os.path.join(_data_home(), b"Trash")
        named = self.original if at_home else os.path.relpath(self.original, os.path.dirname(folder))
        return b"[Trash Info]\nPath=%s\n" % quote_from_bytes(named).encode()

    @property
    def _info(self) -> bytes:
        deleted = datetime.datetime.fromtimestamp(self.at).strftime("%Y-%m-%dT%H:%M:%S")
        return b"%sDeletionDate=%s\n" % (self._head, deleted.encode())

    def _found(self) -> bytes:
        try:
            with open(_info_of(self.path), "rb") as info:
                return info.read(_LONGEST_INFO)
        except OSError:
            return b""

    def _unlink_info(self) -> None:
        with suppress(OSError):
            os.unlink(_info_of(self.path))


def has_info(trashed: bytes) -> bool:
    """The name is taken in the trash, though the file itself may be gone."""
    return os.path.lexists(_info_of(trashed))


def _info_of(trashed: bytes) -> bytes:
    files, name = os.path.split(trashed)
    return os.path.join(os.path.dirname(files), b"info", name + INFO_SUFFIX)


def _data_home() -> bytes:
    return os.environb.get(b"XDG_DATA_HOME") or os.path.expanduser(b"~/.local/share")


def _device_of(path: bytes) -> int:
    """Of the folder, or of the nearest one above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev


def _mount_point(path: bytes) -> bytes:
    path = os.path.dirname(os.path.realpath(path))
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
