"""Files joined by accepted pairs."""

from __future__ import annotations

from dataclasses import dataclass

from dedupctl.domain.files import Identity
from dedupctl.domain.pairs import Evidence, PairKind
from dedupctl.domain.pictures import Content


@dataclass(frozen=True, slots=True)
class Member:
    """One File in a Cluster. `kind`, `score` and `evidence` describe its own pair with the keeper."""

    file_id: int
    path: bytes
    """Absolute."""
    root_id: int
    content: Content
    identity: Identity
    kind: PairKind
    score: float
    evidence: Evidence | None
    """None for the keeper itself and for files with the keeper's own content."""
    proven: bool = True
    """It has an accepted pair of its own with the keeper, or the keeper's content; only then may a rule remove it."""
    rule: str = ""
    """The keeper rule that preferred the keeper to this file; empty for the keeper itself."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Files joined by accepted Pairs. Derived from the pairs and never the truth. `members[0]` is the keeper."""

    id: int
    """The smallest content id in the cluster, so that the id is stable while that content exists."""
    kind: PairKind
    """The weakest kind among the members' own pairs with the keeper."""
    members: tuple[Member, ...]
    reclaimable_bytes: int
    """Bytes that would be freed by removing all but the keeper; hard links to one inode count once."""
    weakest: tuple[int, int] | None = None
    """Content ids of the weakest joining pair, if a member has no accepted pair with the keeper."""

    @property
    def keeper(self) -> Member:
        return self.members[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that preferred the keeper to the other members, each once, in order of the members."""
        return tuple(dict.fromkeys(member.rule for member in self.members[1:]))
