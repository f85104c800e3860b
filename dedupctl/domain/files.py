"""Files and roots as last seen on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class FileState(StrEnum):
    """What is known of one path."""

    PRESENT = "present"
    """Seen at the last look, and its content is in the catalog."""
    ERROR = "error"
    """Seen at the last look, but no picture could be read from it; not tried again until the file changes."""
    GONE = "gone"
    """Not there at the last look at an online root; kept so that a return costs nothing."""


_LARGEST = 2**63 - 1


class Identity(NamedTuple):
    """What `stat` says of a file: equal identities mean that the bytes need not be read again.

    A tuple, because a visit of an unchanged library compares nothing else, 60,000 times in half a second.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        # SQLite's integers are signed 64-bit. Some network filesystems use all 64 bits of an inode number, and a broken
        # clock or header sets dates after 2262, which most filesystems keep.
        inode, mtime_ns = status.st_ino & _LARGEST, min(status.st_mtime_ns, _LARGEST)
        return cls(status.st_dev, inode, status.st_size, mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Root:
    """A watched directory. `marker` is the token in `<root>/.dedupctl/root-id`, None where the root is read-only."""

    id: int
    path: bytes
    device: int
    marker: str | None
    reference: bool = False
    """Files under a reference root are preferred as keepers."""


@dataclass(frozen=True, slots=True)
class File:
    """One path as last seen. `path` is relative to its root."""

    id: int
    root_id: int
    path: bytes
    identity: Identity
    state: FileState
    content_id: int | None
    error: str | None = None
