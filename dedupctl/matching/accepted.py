"""Which pairs count: what was proven, overruled by what a person said."""

from __future__ import annotations

from collections.abc import Collection

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Evidence, Pair, PairKind, Verdict


def accepted_pairs(tx: Transaction, kinds: Collection[PairKind]) -> list[Pair]:
    """Pairs of these kinds after every verdict: `different` takes a pair away, `same` makes one of kind `near`."""
    verdicts = tx.verdicts.by_content()
    proven = [pair for pair in tx.pairs.of_kinds(kinds) if (pair.a, pair.b) not in verdicts]
    judged = [_as_said(tx, a, b, said) for (a, b), said in verdicts.items()]
    return proven + [pair for pair in judged if pair is not None and pair.kind in kinds]


def _as_said(tx: Transaction, a: int, b: int, said: Verdict) -> Pair | None:
    if said is Verdict.DIFFERENT:
        return None
    known = tx.pairs.between(a, b)
    if known is not None and known.kind is PairKind.PIXEL:
        return known
    return Pair(a, b, PairKind.NEAR, 1.0, known.evidence if known else Evidence(method="verdict"))
