"""The modes of our files: readable by the owner, by the group if `[home] group_readable` is set, and by nobody else.

Thumbnails, vectors and names reveal pictures whose own folders may be closed to other users. So the user's umask does
not count: most umasks let everybody read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = 0o700, 0o600
_GROUP_FOLDER, _GROUP_FILE = 0o050, 0o040
_OURS = ("catalog.db", "catalog-id", "thumbs.db", "vectors", "config.toml", "password", "workspace.lock", "apply.lock")
"""Prefixes of the names of everything that we put into a home."""


def folder_mode(*, group_readable: bool) -> int:
    return _FOLDER | _GROUP_FOLDER if group_readable else _FOLDER


def file_mode(*, group_readable: bool) -> int:
    return _FILE | _GROUP_FILE if group_readable else _FILE


def file_mode_in(folder: Path) -> int:
    """The mode for a file in a home or in one of its folders: the group has the same access as to the folder."""
    return _FILE | _open_to_the_group(folder) & _GROUP_FILE


def make_folder_in(folder: Path, name: str) -> Path:
    """Make a folder, unless it exists, in one of our folders; the group gets the same access as to that folder."""
    made = folder / name
    mode = _FOLDER | _open_to_the_group(folder) & _GROUP_FOLDER
    with suppress(FileExistsError):
        made.mkdir()
        made.chmod(mode)
    return made


def make_file(path: Path) -> None:
    """Make an empty file for a library that would make it readable for everybody; an existing file is left unchanged.

    If no file can be made, the library will report why.
    """
    with suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
        try:
            os.fchmod(handle, file_mode_in(path.parent))
        finally:
            os.close(handle)


def opener(mode: int) -> Callable[[str, int], int]:
    """An opener for `open`: a file that it creates gets at most this mode; an existing file keeps its own."""
    return lambda path, flags: os.open(path, flags | os.O_CLOEXEC, mode)


def tighten(home: Path, *, group_readable: bool) -> None:
    """Apply these modes to a home that an earlier version or another umask left open.

    If the home contains anything else, such as somebody's photos, only our own files in it are closed.
    """
    entries = list(home.iterdir())
    ours = [entry for entry in entries if entry.name.startswith(_OURS)]
    for entry in ours:
        _tighten_entry(entry, group_readable=group_readable)
    if len(ours) == len(entries):
        _set(home, folder_mode(group_readable=group_readable))


def _open_to_the_group(folder: Path) -> int:
    """The mode of a folder; 0 if others may enter it too, because then nobody has chosen it for our files."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return 0 if mode & 0o007 else mode


def _tighten_entry(entry: Path, *, group_readable: bool) -> None:
    if entry.is_symlink():
        return
    if entry.is_dir():
        for inner in entry.iterdir():
            _tighten_entry(inner, group_readable=group_readable)
        _set(entry, folder_mode(group_readable=group_readable))
    else:
        _set(entry, file_mode(group_readable=group_readable))


def _set(path: Path, mode: int) -> None:
    """Change the mode, unless another user owns the file or it no longer exists."""
    with suppress(PermissionError, FileNotFoundError):
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
