"""How one action ended, and how far a run over many has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.domain import Action, EntryState, Operation

Progress: TypeAlias = Callable[[int, int], None]
"""Takes the number of files processed so far, and the total."""


def unwatched(_done: int, _total: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended. `where` is the absolute path of the file now; None if it no longer exists."""

    action: Action
    operation: Operation
    state: EntryState
    where: bytes | None
    reason: str | None = None

    @property
    def done(self) -> bool:
        return self.state is EntryState.DONE
