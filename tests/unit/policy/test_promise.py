"""What may stay for what."""

from __future__ import annotations

from builders import make_digest
from shelf import Shelf

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import PairKind, Verdict
from dedupctl.policy.promise import stands_for

KINDS = (PairKind.EXACT, PairKind.PIXEL, PairKind.NEAR)


def stands(catalog: Catalog, keeper: str, removed: str) -> bool:
    with catalog.read() as tx:
        return stands_for(tx, make_digest(keeper), make_digest(removed), KINDS)


def test_a_proven_copy_stands_for_the_other(catalog: Catalog) -> None:
    shelf = Shelf(catalog)
    for name in "ab":
        shelf.put(name)
    shelf.tie("a", "b")

    assert stands(catalog, "a", "b")
    assert stands(catalog, "b", "a")


def test_a_pair_with_a_claim_proves_nothing_whichever_side_it_is(catalog: Catalog) -> None:
    """Asked too of what was removed before: nobody reads those files again."""
    shelf = Shelf(catalog)
    for name in "ab":
        shelf.put(name)
    shelf.tie("a", "b")
    with catalog.write() as tx:
        tx.imported.mark([shelf.ids["b"]])

    assert not stands(catalog, "a", "b")
    assert not stands(catalog, "b", "a")
    assert stands(catalog, "b", "b"), "the same bytes are the same picture, whoever read them"
    shelf.say("a", "b", Verdict.SAME)
    assert stands(catalog, "a", "b")
