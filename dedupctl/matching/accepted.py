"""Accepted pairs: what was proven, overruled by what a person said."""

from __future__ import annotations

from collections.abc import Collection

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Evidence, Pair, PairKind, Verdict


def accepted_pairs(tx: Transaction, kinds: Collection[PairKind]) -> list[Pair]:
    """Pairs of these kinds after all verdicts: `different` takes a pair away, `same` makes one of kind `near`."""
    verdicts = tx.verdicts.by_content()
    proven = [pair for pair in tx.pairs.of_kinds(kinds) if (pair.a, pair.b) not in verdicts]
    judged = [_as_said(tx, a, b, said) for (a, b), said in verdicts.items()]
    return proven + [pair for pair in judged if pair is not None and pair.kind in kinds]


def accepted_around(tx: Transaction, kinds: Collection[PairKind], content_ids: Collection[int]) -> list[Pair]:
    """The accepted pairs that can be reached from these contents, which is everything their clusters are made of.

    The cost depends on those clusters, not on the size of the library.
    """
    verdicts = tx.verdicts.by_content()
    found: dict[tuple[int, int], Pair] = {}
    known: set[int] = set()
    reached = set(content_ids)
    while reached:
        proven = [pair for pair in tx.pairs.of_contents(reached, kinds) if (pair.a, pair.b) not in verdicts]
        judged = [_as_said(tx, a, b, said) for (a, b), said in verdicts.items() if a in reached or b in reached]
        accepted = proven + [pair for pair in judged if pair is not None and pair.kind in kinds]
        found |= {(pair.a, pair.b): pair for pair in accepted}
        known |= reached
        reached = {end for pair in accepted for end in (pair.a, pair.b)} - known
    return list(found.values())


def _as_said(tx: Transaction, a: int, b: int, said: Verdict) -> Pair | None:
    if said is Verdict.DIFFERENT:
        return None
    known = tx.pairs.between(a, b)
    if known is not None and known.kind is PairKind.PIXEL:
        return known
    # A failed proof also has a transform, the one that was tried: it described crops and mirrorings that nobody made.
    proven = known is not None and known.kind is PairKind.NEAR
    return Pair(a, b, PairKind.NEAR, 1.0, known.evidence if known and proven else Evidence(method="verdict"))
