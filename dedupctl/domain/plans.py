"""What is to become of files, and why: the frozen plan and its actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedupctl.domain.files import Identity
from dedupctl.domain.pairs import PairKind
from dedupctl.paths import join


class Verb(StrEnum):
    """What becomes of one file."""

    QUARANTINE = "quarantine"
    DELETE = "delete"
    """As quarantine, and purged once the retention is over."""
    TRASH = "trash"
    MOVE_TO = "move-to"
    HARDLINK = "hardlink"
    """Quarantine, and a hard link to the keeper in its place."""
    REFLINK = "reflink"
    SYMLINK = "symlink"
    MERGE = "merge"
    """A keeper's sidecar is replaced by one that also says what the removed copy's sidecar said."""
    CARRY = "carry"
    """A removed copy's sidecar becomes the keeper's, which had none."""

    @property
    def quarantines(self) -> bool:
        """The removed file waits in the root's own quarantine, where `purge` may end it."""
        return self not in (Verb.TRASH, Verb.MOVE_TO, Verb.CARRY)

    @property
    def leaves_link(self) -> bool:
        """The removed file's name goes on, as one more name or copy of the keeper."""
        return self in (Verb.HARDLINK, Verb.REFLINK, Verb.SYMLINK)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was when the plan was made."""

    root: bytes
    path: bytes
    """Relative to the root."""
    identity: Identity
    digest: bytes

    @property
    def absolute(self) -> bytes:
        return join(self.root, self.path)


@dataclass(frozen=True, slots=True)
class Action:
    """One file's fate. Actions of one bundle happen together or not at all."""

    bundle: int
    verb: Verb
    victim: Seen
    keeper: Seen | None
    """The file that stays for it, or the one a sidecar's words come from or go to; None for a companion that says
    nothing the kept copy lacks."""
    kind: PairKind | None
    """What victim and keeper are to each other; None for sidecars and annotations."""
    score: float | None
    rule: str
    """The rule by which the keeper was preferred, or what the companion belongs to."""
    skipped: str | None = None
    """Why nothing is done after all, in words; such a row only explains."""
    id: int = 0
    """0 until it is stored."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the policy still matters when the plan is applied and purged."""

    kinds: tuple[PairKind, ...]
    move_to: bytes | None = None
    retention_days: float = 30.0
    quarantine: bool = True
    """False: what is removed is purged in the same run."""
    unattended: bool = False
    with_annotations: bool = False
    """Annotation files of a dataset go with their picture."""
    merge_sidecars: bool = False
    """What only the removed copy says is carried over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen list of what would be done, and why. Times are seconds since 1970."""

    id: int
    created_at: int
    policy: str
    terms: Terms
    actions: tuple[Action, ...]

    @property
    def removals(self) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.skipped is None)


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """One line about a plan: how many files it would remove, and how many of them it has removed."""

    id: int
    created_at: int
    policy: str
    removals: int
    done: int
