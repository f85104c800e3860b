"""The intent of an action, committed before the disk is touched, and its outcome, committed after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedupctl.domain.files import Identity
from dedupctl.domain.plans import Action


class Operation(StrEnum):
    """What was to be done with the file of an action."""

    REMOVE = "remove"
    RESTORE = "restore"
    PURGE = "purge"


class EntryState(StrEnum):
    """How far the action got."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    """The disk is as it was before; `reason` says why."""
    UNDONE = "undone"
    """It was done, and a restore undid it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to happen to one file. Paths are absolute."""

    action: Action
    operation: Operation
    source: bytes
    target: bytes | None = None
    replacement: bytes | None = None
    """What will replace the removed file, or replaces it when it is restored; see `disk.replacements`."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """The intent and the outcome of one action. Paths are absolute, times are seconds since 1970."""

    id: int
    plan_id: int
    policy: str
    action: Action
    operation: Operation
    state: EntryState
    source: bytes
    target: bytes | None
    replacement: bytes | None
    reason: str | None
    started_at: int
    settled_at: int | None
    resting: bool
    """The removed file waits at `target` and can be put back."""
    placed: Identity | None = None
    """Identity of the copy at `target` on another filesystem; proves that the file there is ours."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of one intent."""

    entry_id: int
    state: EntryState
    reason: str | None = None
    resting: bool = False
