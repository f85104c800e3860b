from __future__ import annotations

from shelf import Shelf, crop_of_a

from dedupctl.domain import Evidence, Pair, PairKind, Verdict
from dedupctl.matching.accepted import accepted_pairs

DUPLICATES = (PairKind.PIXEL, PairKind.NEAR)


def accepted(shelf: Shelf, *kinds: PairKind) -> list[Pair]:
    with shelf.catalog.read() as tx:
        return sorted(accepted_pairs(tx, kinds or DUPLICATES), key=lambda pair: (pair.a, pair.b))


def test_what_was_proven_counts(shelf: Shelf) -> None:
    for name in "abcd":
        shelf.put(name)
    near, pixel = shelf.tie("a", "b"), shelf.tie("b", "c", PairKind.PIXEL)
    similar, _ = shelf.tie("c", "d", PairKind.SIMILAR), shelf.tie("a", "d", None, 0.0)

    assert accepted(shelf) == [near, pixel]
    assert accepted(shelf, PairKind.SIMILAR) == [similar]


def test_different_takes_a_pair_of_any_kind_away(shelf: Shelf) -> None:
    for name in "abc":
        shelf.put(name)
    shelf.tie("a", "b", PairKind.PIXEL)
    shelf.tie("b", "c", PairKind.NEAR)
    shelf.say("a", "b", Verdict.DIFFERENT)
    shelf.say("b", "c", Verdict.DIFFERENT)

    assert accepted(shelf) == []


def test_same_makes_a_sure_pair_of_what_was_doubted(shelf: Shelf) -> None:
    for name in "abcd":
        shelf.put(name)
    shelf.tie("a", "b", PairKind.SIMILAR, 0.7)
    shelf.tie("a", "c", None, 0.0)
    for other in "bcd":
        shelf.say("a", other, Verdict.SAME)
    a, b, c, d = (shelf.ids[name] for name in "abcd")

    assert accepted(shelf) == [Pair(a, one, PairKind.NEAR, 1.0, Evidence(method="verdict")) for one in (b, c, d)]
    assert accepted(shelf, PairKind.SIMILAR) == []


def test_same_keeps_the_evidence_of_a_proof_and_borrows_none_of_a_failed_one(shelf: Shelf) -> None:
    for name in "abc":
        shelf.put(name)
    proven = shelf.tie("a", "b", PairKind.NEAR, 0.7, crop_of_a(0.5))
    shelf.tie("a", "c", PairKind.SIMILAR, 0.7, crop_of_a(0.12))
    for other in "bc":
        shelf.say("a", other, Verdict.SAME)

    with_b, with_c = accepted(shelf)
    assert with_b.evidence == proven.evidence
    assert with_c.evidence.transform is None


def test_same_does_not_weaken_equal_pixels(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.put("b")
    pixel = shelf.tie("a", "b", PairKind.PIXEL)
    shelf.say("a", "b", Verdict.SAME)

    assert accepted(shelf) == [pixel]
    assert accepted(shelf, PairKind.NEAR) == []


def test_a_verdict_on_what_is_not_in_the_catalog_counts_for_nothing(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.say("a", "never seen", Verdict.SAME)

    assert accepted(shelf) == []
