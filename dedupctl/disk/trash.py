"""The desktop's trash can, as the freedesktop.org trash specification 1.0 lays it out."""

from __future__ import annotations

import datetime
import os
from contextlib import suppress
from urllib.parse import quote_from_bytes

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


def write_info(trashed: bytes, original: bytes, at: int) -> None:
    """Say where the file in the trash came from, before it comes (so demands the specification).

    Raises:
        FileExistsError: the name is taken in the trash.
    """
    folder = os.path.dirname(os.path.dirname(trashed))
    home = os.path.join(_data_home(), b"Trash")
    named = original if folder == home else os.path.relpath(original, os.path.dirname(folder))
    deleted = datetime.datetime.fromtimestamp(at).strftime("%Y-%m-%dT%H:%M:%S")
    text = b"[Trash Info]\nPath=%s\nDeletionDate=%s\n" % (quote_from_bytes(named).encode(), deleted.encode())
    os.makedirs(os.path.join(folder, b"info"), mode=0o700, exist_ok=True)
    descriptor = os.open(_info_of(trashed), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as info:
        info.write(text)
        info.flush()
        os.fsync(descriptor)


def has_info(trashed: bytes) -> bool:
    """The name is taken in the trash, though the file itself may be gone."""
    return os.path.lexists(_info_of(trashed))


def forget_info(trashed: bytes) -> None:
    """The file has left the trash, or never came."""
    with suppress(OSError):
        os.unlink(_info_of(trashed))


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
