from __future__ import annotations

from dataclasses import fields

import pytest
from builders import PROVEN, make_fingerprint, make_pair
from hypothesis import given
from hypothesis import strategies as st

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.pairs import evidence_as_dict, evidence_from_json, evidence_to_json
from dedupctl.domain import Closer, Evidence, Pair, PairKind, Photometric, Transform
from dedupctl.errors import StoreError


@pytest.fixture
def contents(catalog: Catalog) -> list[int]:
    with catalog.write() as tx:
        return tx.contents.add([make_fingerprint(name) for name in "abcd"])


numbers = st.floats(allow_nan=False)
boxes = st.tuples(numbers, numbers, numbers, numbers)
transforms = st.builds(
    Transform, st.tuples(*[numbers] * 9), numbers, numbers, st.booleans(), visible_in_a=boxes, visible_in_b=boxes
)
closers = st.builds(
    Closer,
    windows=st.integers(),
    moments=st.none() | st.text(),
    loss_known=st.none() | st.booleans(),
    **{
        field.name: st.none() | numbers
        for field in fields(Closer)
        if field.name not in ("windows", "moments", "loss_known")
    },
)
evidences = st.builds(
    Evidence,
    closer=st.none() | closers,
    method=st.text(),
    transform=st.none() | transforms,
    photometric=st.none() | st.builds(Photometric, numbers, numbers),
    **{
        field.name: st.none() | (st.booleans() if "bool" in field.type else numbers)
        for field in fields(Evidence)
        if field.name not in ("method", "transform", "photometric", "closer")
    },
)


@given(evidences)
def test_evidence_survives_storage(evidence: Evidence) -> None:
    assert evidence_from_json(evidence_to_json(evidence)) == evidence


def test_what_was_not_measured_takes_no_room() -> None:
    assert evidence_as_dict(Evidence(method="orb", inliers=60)) == {"method": "orb", "inliers": 60}


def test_a_judgement_on_a_content_that_was_dropped_meanwhile_is_left_out(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, _ = contents
    with catalog.write() as tx:
        tx.imported.withdraw([c])  # no file holds it
        tx.pairs.put([make_pair(a, b), make_pair(a, c), make_pair(b, c)])

    with catalog.read() as tx:
        assert [(pair.a, pair.b) for pair in tx.pairs.all()] == [(a, b)]


def test_a_pair_comes_back_as_judged(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, _ = contents
    judged = [Pair(a, b, PairKind.NEAR, 0.875, PROVEN), Pair(a, c, None, 0.0, Evidence(method="vector", cosine=0.7))]
    with catalog.write() as tx:
        tx.pairs.put(judged)

    with catalog.read() as tx:
        assert list(tx.pairs.all()) == judged
        assert tx.pairs.between(b, a) == judged[0]
        assert tx.pairs.between(b, c) is None


def test_a_later_judgement_replaces_an_earlier_one(catalog: Catalog, contents: list[int]) -> None:
    a, b, *_ = contents
    with catalog.write() as tx:
        tx.pairs.put([make_pair(a, b, PairKind.SIMILAR, 0.7)])
        tx.pairs.put([make_pair(a, b, PairKind.NEAR, 0.9, inliers=12)])

        assert list(tx.pairs.all()) == [make_pair(a, b, PairKind.NEAR, 0.9, inliers=12)]


def test_nothing_judged_is_nothing_stored(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.pairs.put([])
        assert list(tx.pairs.all()) == []
        assert tx.pairs.judged_among([]) == set()


@pytest.mark.parametrize(("a", "b"), [(2, 1), (1, 1)])
def test_a_pair_has_the_smaller_content_first(catalog: Catalog, contents: list[int], a: int, b: int) -> None:
    with pytest.raises(StoreError, match="ordered"), catalog.write() as tx:
        tx.pairs.put([Pair(contents[a], contents[b], PairKind.NEAR, 1.0, PROVEN)])


def test_comparisons_that_were_made_are_known(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, d = contents
    with catalog.write() as tx:
        tx.pairs.put([make_pair(a, b), make_pair(a, c, None, 0.0), make_pair(b, d)])

        assert tx.pairs.judged_among([(a, b), (a, c), (a, d), (c, d)]) == {(a, b), (a, c)}


def test_pairs_are_found_and_counted_by_kind(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, d = contents
    near, similar, nothing = make_pair(a, b), make_pair(b, c, PairKind.SIMILAR), make_pair(b, d, None, 0.0)
    with catalog.write() as tx:
        tx.pairs.put([similar, nothing, near])

        assert list(tx.pairs.of_kinds([PairKind.NEAR, PairKind.SIMILAR])) == [near, similar]
        assert list(tx.pairs.of_kinds([PairKind.PIXEL])) == []
        assert tx.pairs.count_by_kind() == {PairKind.NEAR: 1, PairKind.SIMILAR: 1}
