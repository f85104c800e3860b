"""What should happen to files, and why: the frozen plan and its actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedupctl.domain.files import Identity
from dedupctl.domain.pairs import PairKind
from dedupctl.paths import join


class Verb(StrEnum):
    """What happens to one file."""

    QUARANTINE = "quarantine"
    DELETE = "delete"
    """Quarantine, then purge at the end of the retention period."""
    TRASH = "trash"
    MOVE_TO = "move-to"
    HARDLINK = "hardlink"
    """Quarantine, with a hard link to the keeper in its place."""
    REFLINK = "reflink"
    SYMLINK = "symlink"
    MERGE = "merge"
    """Replace the keeper's sidecar with one that also contains what the removed copy's sidecar said."""
    CARRY = "carry"
    """Give the removed copy's sidecar to the keeper, which had none."""
    DESCRIBE = "describe"
    """Write a sidecar for the keeper, which had none, with the words of the removed copy or of its JSON file."""

    @property
    def removes(self) -> bool:
        """A file leaves its place; the others only write one."""
        return self is not Verb.DESCRIBE

    @property
    def quarantines(self) -> bool:
        """The removed file waits in the quarantine of its root, from where `purge` may remove it for good."""
        return self not in (Verb.TRASH, Verb.MOVE_TO, Verb.CARRY, Verb.DESCRIBE)

    @property
    def leaves_link(self) -> bool:
        """The removed file's name continues to exist, as another name or copy of the keeper."""
        return self in (Verb.HARDLINK, Verb.REFLINK, Verb.SYMLINK)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was when the plan was made."""

    root: bytes
    path: bytes
    """Relative to the root."""
    identity: Identity
    digest: bytes

    @classmethod
    def yet_to_be_written(cls, root: bytes, path: bytes, digest: bytes) -> Seen:
        """A file that a plan will write with these bytes; nothing stands there, and it takes up no space so far."""
        return cls(root, path, Identity(0, 0, 0, 0, 0), digest)

    @property
    def absolute(self) -> bytes:
        return join(self.root, self.path)


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to one file. The actions of a bundle happen together or not at all."""

    bundle: int
    verb: Verb
    victim: Seen
    """The file that leaves its place; of `Verb.DESCRIBE` the sidecar that will be written."""
    keeper: Seen | None
    """The file that is kept instead, or the file that a sidecar's words are taken from or carried to; None for a
    companion that says nothing that the kept copy lacks."""
    kind: PairKind | None
    """How victim and keeper are related; None for sidecars and annotations."""
    score: float | None
    rule: str
    """The rule that preferred the keeper, or what the companion belongs to."""
    skipped: str | None = None
    """Why nothing is done after all, in words; such an action only explains."""
    id: int = 0
    """0 until the action is stored."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parts of the policy that still matter when the plan is applied and purged."""

    kinds: tuple[PairKind, ...]
    move_to: bytes | None = None
    retention_days: float = 30.0
    quarantine: bool = True
    """If False, removed files are purged in the same run."""
    unattended: bool = False
    with_annotations: bool = False
    """Remove the annotation files of a dataset together with their picture."""
    merge_sidecars: bool = False
    """Carry over to the keeper what only the removed copy says."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen list of what would be done, and why. `created_at` is in seconds since 1970."""

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
    """A plan in one line: how many files it would remove, and how many of those it has removed."""

    id: int
    created_at: int
    policy: str
    removals: int
    done: int
