"""Files joined by accepted pairs."""

from __future__ import annotations

from dataclasses import dataclass

from dedupctl.domain.files import Identity
from dedupctl.domain.pairs import Evidence, PairKind
from dedupctl.domain.pictures import Content


@dataclass(frozen=True, slots=True)
class Member:
    """One File in a Cluster. `kind`, `score` and `evidence` are those of its own pair with the keeper."""

    file_id: int
    path: bytes
    """Absolute."""
    root_id: int
    content: Content
    identity: Identity
    kind: PairKind
    score: float
    evidence: Evidence | None
    """None for the keeper itself and for files of the keeper's own content."""
    proven: bool = True
    """It has an accepted pair of its own with the keeper (or is of its content); only then may a rule remove it."""
    rule: str = ""
    """The keeper rule by which the keeper came before it; empty for the keeper itself."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Files joined by accepted Pairs: derived from them, never the truth. The keeper is `members[0]`."""

    id: int
    """The smallest content id in it, so that it keeps its number while that content lives."""
    kind: PairKind
    """The weakest kind among the members' own pairs with the keeper."""
    members: tuple[Member, ...]
    reclaimable_bytes: int
    """Bytes that removing all but the keeper would free; hard links to one inode count once."""
    weakest: tuple[int, int] | None = None
    """Content ids of the weakest joining pair, where a member has no accepted pair with the keeper."""

    @property
    def keeper(self) -> Member:
        return self.members[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules by which the keeper came before the others, in their order, each once."""
        return tuple(dict.fromkeys(member.rule for member in self.members[1:]))
