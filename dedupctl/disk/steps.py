"""The named steps of an operation on a file."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class Step(StrEnum):
    """The moments at which an operation can be interrupted or disturbed; tests do both at each of them."""

    CHECKED = "checked"
    """Victim and keeper have been read; nothing has been written yet."""
    INTENDED = "intended"
    """The journal holds the intent."""
    PREPARED = "prepared"
    """The replacement, if any, is ready under a temporary name beside the file."""
    MOVING = "moving"
    """Both files have passed the last check; the rename comes next."""
    RENAMED = "renamed"
    """A file has been renamed, but not yet checked to be the right one."""
    COPIED = "copied"
    """Across filesystems: the copy is complete, under a temporary name."""
    PLACED = "placed"
    """Across filesystems: the copy has its final name, and the original still exists."""
    ASIDE = "aside"
    """The file to be unlinked has been renamed, and will be checked once more."""
    MOVED = "moved"
    """The file is at its target, and its replacement, if any, is in its place."""
    SYNCED = "synced"
    """The folders have been flushed to the disk."""
    SETTLED = "settled"
    """The journal holds the outcome."""
    UNLINKING = "unlinking"
    """A purge is about to delete a file."""
    UNLINKED = "unlinked"


Steps: TypeAlias = Callable[[Step], None]


def uninterrupted(_step: Step) -> None:
    """Outside of tests, nothing happens at a step."""
