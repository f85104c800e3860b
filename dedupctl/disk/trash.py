"""The desktop's trash can, laid out as in the freedesktop.org trash specification 1.0."""

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
    """The trash folder on the filesystem of the file at `path`: the home trash, or that of its mount point."""
    home = os.path.join(_data_home(), b"Trash")
    device = os.lstat(path).st_dev
    return home if _device_of(home) == device else os.path.join(_mount_point(path), b".Trash-%d" % os.getuid())


def make_trash(files: bytes) -> None:
    """Create the folder for trashed files if it is missing, private to its owner as the specification demands."""
    for folder in (os.path.dirname(files), files):
        os.makedirs(folder, mode=0o700, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash and what its info file says. Paths are absolute; the time is in seconds since 1970."""

    path: bytes
    original: bytes
    at: int

    def write_info(self) -> None:
        """Record where the file comes from, before it is moved to the trash, as the specification demands.

        Raises:
            FileExistsError: the name is taken in the trash.
        """
        os.makedirs(os.path.dirname(_info_of(self.path)), mode=0o700, exist_ok=True)
        write_new(_info_of(self.path), self._info)

    def has_info(self) -> bool:
        """Whether the info file is the one that `write_info` wrote, and not one that another program wrote."""
        return self._found() == self._info

    def forget_info(self) -> None:
        """The file never reached the trash: delete its info, but none that another program wrote for that name."""
        if self.has_info():
            self._unlink_info()

    def forget_restored(self) -> None:
        """The file has left the trash: delete the info on its path, no matter who trashed it, and when."""
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
    """Whether the name is taken in the trash, even if the file itself is gone."""
    return os.path.lexists(_info_of(trashed))


def _info_of(trashed: bytes) -> bytes:
    files, name = os.path.split(trashed)
    return os.path.join(os.path.dirname(files), b"info", name + INFO_SUFFIX)


def _data_home() -> bytes:
    return os.environb.get(b"XDG_DATA_HOME") or os.path.expanduser(b"~/.local/share")


def _device_of(path: bytes) -> int:
    """The device of the folder, or of its nearest existing ancestor."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev


def _mount_point(path: bytes) -> bytes:
    path = os.path.dirname(os.path.realpath(path))
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
