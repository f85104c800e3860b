"""Is this root really there? An unmounted disk leaves an empty folder behind, and that must not read as "all gone".

The proof is a random token in `<root>/.dedupctl/root-id`. A device number alone proves little: a removable disk comes
back under another one, and another disk may get the old one. Only a root that cannot be written to is known by its
device number.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from dedupctl.domain import Root

OWN_FOLDER = b".dedupctl"
"""What dedupctl keeps inside a root (marker, quarantine); never scanned."""
QUARANTINE = OWN_FOLDER + b"/quarantine"
MARKER_NAME = b"root-id"
_LONGEST_MARKER = 256
_TO_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Not through a link, and not waiting for the other end of a pipe; Windows has neither flag."""


def why_offline(root: Root) -> str | None:
    """None when the root is mounted where it was; else the reason why it counts as offline, in words."""
    try:
        found = os.stat(root.path)
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISDIR(found.st_mode):
        return "not a directory"
    if root.marker is None:
        return None if found.st_dev == root.device else "another filesystem is mounted there"
    marker = _read_marker(root.path)
    if marker is None:
        return "its marker file .dedupctl/root-id is missing"
    return None if marker == root.marker else "its marker file .dedupctl/root-id is another root's"


def mark_root(path: bytes) -> tuple[int, str | None]:
    """The device of the directory at `path` and its marker, written durably unless it has one.

    The marker is None where nothing can be written.

    Raises:
        OSError: no such directory.
    """
    device = os.stat(path).st_dev
    marker = _read_marker(path)
    if marker is None:
        with suppress(OSError):
            _write_marker(path, secrets.token_hex(16))
        # Read back: of two processes marking the same root at once, the later one's token stands.
        marker = _read_marker(path)
    return device, marker


def _read_marker(root: bytes) -> str | None:
    try:
        handle = os.open(os.path.join(root, OWN_FOLDER, MARKER_NAME), _TO_READ)
    except OSError:
        return None
    try:
        text = os.read(handle, _LONGEST_MARKER).strip()
    except OSError:
        return None
    finally:
        os.close(handle)
    return text.decode("ascii", "replace") or None


def _write_marker(root: bytes, token: str) -> None:
    folder = os.path.join(root, OWN_FOLDER)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    target = os.path.join(folder, MARKER_NAME)
    temporary = target + b"." + token.encode("ascii")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(handle, token.encode("ascii") + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, target)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    for directory in (folder, root):
        _sync_directory(directory)


def _sync_directory(path: bytes) -> None:
    if os.name == "nt":  # a folder cannot be opened there; its entries are safe without
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
