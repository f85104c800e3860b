"""Is this root really there? An unmounted disk leaves an empty folder, which must not be taken for "all files gone".

The proof is a random token in `<root>/.dedupctl/root-id`. A device number alone proves little: a removable disk may get
a new one at every mount, and another disk its old one. Only a read-only root is recognised by its device number.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dedupctl.disk.durable import durable_file, sync_path, write_new
from dedupctl.disk.refusal import reason_of
from dedupctl.domain import Root

OWN_FOLDER = b".dedupctl"
"""What dedupctl keeps inside a root (marker, quarantine); never scanned."""
QUARANTINE = OWN_FOLDER + b"/quarantine"
MARKER_NAME = b"root-id"
_LONGEST_MARKER = 256
_TO_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Follow no link, and do not wait for the other end of a pipe. Windows has neither flag."""


def why_offline(root: Root) -> str | None:
    """None if the root is mounted where it was; otherwise the reason why it counts as offline, in words."""
    try:
        found = os.stat(root.path)
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISDIR(found.st_mode):
        return "not a directory"
    if root.marker is None:
        return None if found.st_dev == root.device else "another filesystem is mounted there"
    try:
        _require_own_folder(root.path)
    except OSError as error:
        return reason_of(error)
    marker = _read_marker(root.path)
    if marker is None:
        return "its marker file .dedupctl/root-id is missing"
    return None if marker == root.marker else "its marker file .dedupctl/root-id is another root's"


def mark_root(path: bytes, others: Iterable[Root] = ()) -> tuple[int, str | None]:
    """Return the device of the directory at `path` and its marker, which is written durably if it has none of its own.

    A copy of a whole root carries the marker of the original. If the original is one of `others` and online, the copy
    gets a new marker. The marker is None if nothing can be written.

    Raises:
        OSError: the directory does not exist, or its folder `.dedupctl` is a symbolic link.
    """
    device = os.stat(path).st_dev
    _require_own_folder(path)
    marker = found = _read_marker(path)
    copied = marker is not None and any(_is_copied_from(path, marker, other) for other in others)
    if marker is None or copied:
        with suppress(OSError):
            _write_marker(path, secrets.token_hex(16))
        # Read it back: if two processes mark the same root at once, the later token wins.
        marker = _read_marker(path)
    return device, None if copied and marker == found else marker


def _is_copied_from(path: bytes, marker: str, other: Root) -> bool:
    """Whether the other root has this marker too, and is online in a different directory."""
    return other.marker == marker and why_offline(other) is None and not os.path.samefile(path, other.path)


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
        os.mkdir(folder, 0o711)  # the catalog of another user may know the root by the marker in it
    # Two processes may mark one root at once, so each writes to its own temporary file.
    with durable_file(Path(os.fsdecode(folder), os.fsdecode(MARKER_NAME)), suffix=f".{token}") as part:
        write_new(os.fsencode(part), token.encode("ascii") + b"\n", mode=0o644)
    sync_path(root)


def _require_own_folder(root: bytes) -> None:
    """Raises OSError if `.dedupctl` is a symbolic link: its target is not part of this root."""
    folder = os.path.join(root, OWN_FOLDER)
    if os.path.islink(folder):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
