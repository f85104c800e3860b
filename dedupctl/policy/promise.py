"""The promise: for every removed file a copy stays that has the same content or its own accepted pair with it.

It is checked when a plan is made, again in the very transaction that writes the intent, and a last time before a
removed file is purged: a verdict or a new proof may have come in between.
"""

from __future__ import annotations

from collections.abc import Collection

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Action, PairKind, Verdict

REMOVABLE = (PairKind.EXACT, PairKind.PIXEL, PairKind.NEAR)
"""The kinds of pair for which a rule or a person may remove a file; `similar` is another shot."""


def stands_for(tx: Transaction, keeper_digest: bytes, removed_digest: bytes, kinds: Collection[PairKind]) -> bool:
    """May a kept file of the first content replace a removed one of the second? A verdict overrules any proof."""
    if keeper_digest == removed_digest:
        return True
    verdict = tx.verdicts.between(keeper_digest, removed_digest)
    if verdict is not None:
        return verdict is Verdict.SAME and PairKind.NEAR in kinds
    keeper, removed = tx.contents.id_of(keeper_digest), tx.contents.id_of(removed_digest)
    if keeper is None or removed is None or tx.imported.among([keeper, removed]):
        return False
    pair = tx.pairs.between(keeper, removed)
    return pair is not None and pair.kind in kinds and pair.kind is not PairKind.SIMILAR


def pair_stands(tx: Transaction, action: Action) -> bool:
    """Does the removed file still count as the same picture as its keeper?

    A verdict or another proof may have come since. A pair that the catalog no longer has was good when the plan was
    applied.
    """
    if action.kind is None or action.keeper is None or action.keeper.digest == action.victim.digest:
        return True
    verdict = tx.verdicts.between(action.keeper.digest, action.victim.digest)
    if verdict is not None:
        return verdict is Verdict.SAME
    kept, removed = (tx.contents.id_of(seen.digest) for seen in (action.keeper, action.victim))
    pair = None if kept is None or removed is None else tx.pairs.between(kept, removed)
    return pair is None or pair.kind in (PairKind.PIXEL, PairKind.NEAR)


def broken_by(tx: Transaction, action: Action, kinds: Collection[PairKind]) -> str | None:
    """Why the action would break the promise, in words; None if it keeps it."""
    if action.kind is None or action.keeper is None:
        return None
    if action.kind is PairKind.SIMILAR or action.kind not in kinds:
        return f"a rule may not remove what is only {action.kind.value}"
    keeper, victim = action.keeper.digest, action.victim.digest
    if action.kind is PairKind.EXACT and keeper != victim:
        return "it does not hold the same bytes as the kept copy"
    if (doubt := _doubt(tx, keeper, victim, kinds)) is not None:
        return doubt
    # A removed for B, then B removed for C: C need not resemble A at all. Other tools lose pictures in this way.
    if keeper != victim and not all(stands_for(tx, keeper, ward, REMOVABLE) for ward in tx.journal.relying_on(victim)):
        return "it is the kept copy of a removed picture that the new kept copy could not stand for"
    return None


def _doubt(tx: Transaction, keeper: bytes, victim: bytes, kinds: Collection[PairKind]) -> str | None:
    """Why the two digests may not be of one picture; None if they are. What an import says proves nothing."""
    if keeper != victim and tx.imported.among(tx.contents.ids_of({keeper, victim}).values()):
        return "one of the two is known only from an import; the next `dedupctl scan` reads it"
    if not stands_for(tx, keeper, victim, kinds):
        return "it is no longer proven to be the same picture as the kept copy"
    return None
