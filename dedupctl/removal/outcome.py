"""How one action ended, and how far a run of many is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.domain import Action, EntryState, Operation

Progress: TypeAlias = Callable[[int, int], None]
"""Takes the number of files dealt with, and of all that are to be."""


def unwatched(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended. `where` is the file's place now, absolute; None when it is no more."""

    action: Action
    operation: Operation
    state: EntryState
    where: bytes | None
    reason: str | None = None

    @property
    def done(self) -> bool:
        return self.state is EntryState.DONE
