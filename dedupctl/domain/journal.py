"""One action's intent, committed before the disk is touched, and its outcome, committed after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedupctl.domain.files import Identity
from dedupctl.domain.plans import Action


class Deed(StrEnum):
    """What was to be done with an action's file."""

    REMOVE = "remove"
    RESTORE = "restore"
    PURGE = "purge"


class EntryState(StrEnum):
    """How far it got."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    """The disk is as it was before; `reason` says why."""
    UNDONE = "undone"
    """Done once, and taken back by a restore."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to happen to one file. Paths are absolute."""

    action: Action
    deed: Deed
    source: bytes
    target: bytes | None = None
    stand_in: bytes | None = None
    """What will stand in the removed file's place, or stands there when it is restored; see `disk.replacements`."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One action's intent and outcome. Paths are absolute, times are seconds since 1970."""

    id: int
    plan_id: int
    policy: str
    action: Action
    deed: Deed
    state: EntryState
    source: bytes
    target: bytes | None
    stand_in: bytes | None
    reason: str | None
    started_at: int
    settled_at: int | None
    resting: bool
    """The removed file waits at `target` and can be put back."""
    placed: Identity | None = None
    """Of the copy at `target`, where that is on another filesystem: proves that what stands there is ours."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one intent ended."""

    entry_id: int
    state: EntryState
    reason: str | None = None
    resting: bool = False
