"""The named steps of moving a file: the moments at which a move can be cut off or disturbed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class Step(StrEnum):
    """The moments at which a deed can be cut off or disturbed; tests do both at every one of them."""

    CHECKED = "checked"
    """Victim and keeper were read; nothing is written yet."""
    INTENDED = "intended"
    """The journal holds the intent."""
    PREPARED = "prepared"
    """What will stand in the removed file's place lies ready beside it."""
    MOVING = "moving"
    """The last look at both files is over, the rename comes next."""
    RENAMED = "renamed"
    """The file has a new name; nobody has looked yet whether it is the right one."""
    COPIED = "copied"
    """Across filesystems: the copy is whole, under a temporary name."""
    PLACED = "placed"
    """Across filesystems: the copy has its name, the original still stands."""
    ASIDE = "aside"
    """What is to be unlinked has been renamed, to be looked at once more."""
    MOVED = "moved"
    """The file is where it was meant to go, the stand-in too."""
    SYNCED = "synced"
    """The folders are on the disk."""
    SETTLED = "settled"
    """The journal holds the outcome."""
    UNLINKING = "unlinking"
    """A purge is about to end a file."""
    UNLINKED = "unlinked"


Steps: TypeAlias = Callable[[Step], None]


def uninterrupted(_step: Step) -> None:
    """The steps of real life: nothing happens at them."""
