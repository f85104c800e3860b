"""Judge stored evidence again without opening a picture: by other thresholds, or with another model's embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import Pair
from dedupctl.matching.candidates import largest_cosine
from dedupctl.matching.score import Thresholds, judge, lacks_a_closer_look

PAIRS_AT_ONCE = 1000


def rejudge(catalog: Catalog, thresholds: Thresholds) -> int:
    """Judge every stored pair by these thresholds; returns how many changed."""
    with catalog.read() as tx:
        changed = [again for pair in tx.pairs.all() if (again := _judged(pair, thresholds)) != pair]
    with catalog.write() as tx:
        tx.pairs.put(changed)
    return len(changed)


def prove_again(catalog: Catalog, thresholds: Thresholds) -> int:
    """Forget the comparisons that only lack a closer look at the files, so that they are made again; returns how many.

    Until then they are no copies: what was seen of them would pass for one, and may be a second exposure.
    """
    with catalog.read() as tx:
        wanted = [(pair.a, pair.b) for pair in tx.pairs.all() if lacks_a_closer_look(pair.evidence, thresholds)]
    with catalog.write() as tx:
        tx.pairs.forget(wanted)
        tx.contents.forget_matching({max(pair) for pair in wanted})
    return len(wanted)


def update_cosines(catalog: Catalog, model_id: int, thresholds: Thresholds) -> int:
    """Give every stored pair the cosine of this model's embeddings and judge it; returns how many changed kind.

    What was measured on the pictures themselves stays. So does the former cosine if a picture has no embedding.
    """
    changed = 0
    with catalog.read() as tx:
        stored = tx.pairs.all()
        while pairs := list(islice(stored, PAIRS_AT_ONCE)):
            again = [_judged(pair, thresholds) for pair in _with_cosines(tx, model_id, pairs)]
            changed += sum(after.kind != before.kind for before, after in zip(pairs, again, strict=True))
            with catalog.write() as own:
                own.pairs.put(again)
    return changed


def _with_cosines(tx: Transaction, model_id: int, pairs: Sequence[Pair]) -> list[Pair]:
    vectors = tx.embeddings.of_contents(model_id, {content for pair in pairs for content in (pair.a, pair.b)})
    out = []
    for pair in pairs:
        cosine = largest_cosine(vectors.get(pair.a, []), vectors.get(pair.b, []))
        out.append(pair if cosine is None else replace(pair, evidence=replace(pair.evidence, cosine=cosine)))
    return out


def _judged(pair: Pair, thresholds: Thresholds) -> Pair:
    kind, score = judge(pair.evidence, thresholds)
    return replace(pair, kind=kind, score=score)
