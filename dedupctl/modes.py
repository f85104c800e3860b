"""Who may read what we write: its owner, his group where `[home] group_readable` says so, and nobody else.

Thumbnails, vectors and names tell of pictures whose own folders may be closed to others, so the user's umask does not
count: most let everybody read.
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
"""What the names of all that we put into a home begin with."""


def folder_mode(*, group_readable: bool) -> int:
    return _FOLDER | _GROUP_FOLDER if group_readable else _FOLDER


def file_mode(*, group_readable: bool) -> int:
    return _FILE | _GROUP_FILE if group_readable else _FILE


def file_mode_in(folder: Path) -> int:
    """For a file in a home, or in a folder of one: as open to the group as that is."""
    return _FILE | _open_to_the_group(folder) & _GROUP_FILE


def make_folder_in(folder: Path, name: str) -> Path:
    """A folder in a folder of ours, as open to the group as that is; it may be there already."""
    made = folder / name
    mode = _FOLDER | _open_to_the_group(folder) & _GROUP_FOLDER
    with suppress(FileExistsError):
        made.mkdir()
        made.chmod(mode)
    return made


def make_file(path: Path) -> None:
    """An empty file for a library that would make it for everybody to read; one that is there is left as it is.

    Where none can be made, the library says why.
    """
    with suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
        try:
            os.fchmod(handle, file_mode_in(path.parent))
        finally:
            os.close(handle)


def opener(mode: int) -> Callable[[str, int], int]:
    """For `open`: a file that it makes gets this mode at the most; one that is there keeps its own."""
    return lambda path, flags: os.open(path, flags | os.O_CLOEXEC, mode)


def tighten(home: Path, *, group_readable: bool) -> None:
    """Bring a home that an earlier version or another umask left open to these modes.

    A home that holds anything else, such as somebody's photos, is not ours to close: its files of ours are.
    """
    entries = list(home.iterdir())
    ours = [entry for entry in entries if entry.name.startswith(_OURS)]
    for entry in ours:
        _bring(entry, group_readable=group_readable)
    if len(ours) == len(entries):
        _set(home, folder_mode(group_readable=group_readable))


def _open_to_the_group(folder: Path) -> int:
    """The bits of a folder's mode; none where others may enter it, too: nobody has chosen that for our sake."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return 0 if mode & 0o007 else mode


def _bring(entry: Path, *, group_readable: bool) -> None:
    if entry.is_symlink():
        return
    if entry.is_dir():
        for inner in entry.iterdir():
            _bring(inner, group_readable=group_readable)
        _set(entry, folder_mode(group_readable=group_readable))
    else:
        _set(entry, file_mode(group_readable=group_readable))


def _set(path: Path, mode: int) -> None:
    """Of what another user owns, or what is gone by now, nothing can be changed."""
    with suppress(PermissionError, FileNotFoundError):
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
