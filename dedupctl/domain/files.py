"""Files and roots, as last seen on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class FileState(StrEnum):
    """What is known about one path."""

    PRESENT = "present"
    """It existed when last checked, and its content is in the catalog."""
    ERROR = "error"
    """It existed when last checked, but no picture could be read from it; not retried until the file changes."""
    GONE = "gone"
    """It was missing when its online root was last checked; the row is kept so that its return costs nothing."""


_LARGEST = 2**63 - 1


class Identity(NamedTuple):
    """What `stat` says about a file. If it is unchanged, the bytes need not be read again.

    A tuple, because a scan of an unchanged library compares nothing else, 60,000 times in half a second.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        # SQLite's integers are signed 64-bit. Some network filesystems use all 64 bits of an inode number, and a wrong
        # clock or header can set dates after 2262, which most filesystems store.
        inode, mtime_ns = status.st_ino & _LARGEST, min(status.st_mtime_ns, _LARGEST)
        return cls(status.st_dev, inode, status.st_size, mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Root:
    """A watched directory. `marker` is the token in `<root>/.dedupctl/root-id`, or None if the root is read-only."""

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
