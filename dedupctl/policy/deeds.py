"""What removing, restoring and purging have in common: their named steps, their refusals, their outcomes."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from dedupctl.catalog.journal import Deed, EntryState
from dedupctl.catalog.plans import Action


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


Progress: TypeAlias = Callable[[int, int], None]
"""Takes the number of files dealt with, and of all that are to be."""


def unwatched(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


def uninterrupted(_step: Step) -> None:
    """The steps of real life: nothing happens at them."""


class Refused(Exception):
    """This file is left alone; the text is the reason. Never leaves this room: it becomes an Outcome."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended. `where` is the file's place now, absolute; None when it is no more."""

    action: Action
    deed: Deed
    state: EntryState
    where: bytes | None
    reason: str | None = None

    @property
    def done(self) -> bool:
        return self.state is EntryState.DONE


def in_words(error: OSError | Refused) -> str:
    """The reason a person reads, without path and error number."""
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            return "a symbolic link stands in its place"
        return error.strerror or str(error)
    return str(error)
