"""The three nets, over a catalog filled with hashes and vectors that the tests choose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from builders import make_fingerprint, make_pair

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Fingerprint, FloatArray
from dedupctl.matching.candidates import (
    ASKED,
    HASH_REACH,
    MOST_NEIGHBOURS,
    NEIGHBOURS,
    Candidate,
    CandidateFinder,
    candidate_between,
)
from dedupctl.vectors.flat import FlatIndex

DIM = 32
COSINE = 0.6
BITS = bytes(range(0, 64, 8))


def flipped(bits: bytes, count: int) -> bytes:
    """The same hash with the last `count` bits the other way."""
    return (int.from_bytes(bits, "big") ^ ((1 << count) - 1)).to_bytes(8, "big")


def direction(axis: int) -> FloatArray:
    return np.eye(1, DIM, axis, dtype=np.float32)


def near(vector: FloatArray, cosine: float, towards: int) -> FloatArray:
    """A unit vector at this cosine from `vector` (1, DIM), leaning towards an axis."""
    return np.asarray(cosine * vector + np.sqrt(1 - cosine**2) * direction(towards), np.float32)


def picture(
    name: str,
    *,
    bits: bytes | None = None,
    turned: dict[int, bytes] | None = None,
    vectors: FloatArray | None = None,
    stream: bytes | None = None,
    flat: bool = False,
) -> Fingerprint:
    """A picture that no net joins with another one, unless told; `turned` gives hashes of further orientations."""
    rng = np.random.default_rng(list(name.encode()))
    eight = [bits or rng.bytes(8), *(rng.bytes(8) for _ in range(7))]
    for orientation, wanted in (turned or {}).items():
        eight[orientation] = wanted
    rows = vectors if vectors is not None else rng.normal(size=(1, DIM)).astype(np.float32)
    return replace(
        make_fingerprint(name, stream_digest=stream, flat=flat),
        hashes={"phash": eight[0], "phash8": b"".join(eight)},
        vectors=rows / np.linalg.norm(rows, axis=1, keepdims=True),
    )


@dataclass
class Library:
    catalog: Catalog
    index: FlatIndex = field(default_factory=lambda: FlatIndex(DIM))

    def __post_init__(self) -> None:
        with self.catalog.write() as tx:
            self.model_id = tx.embeddings.model_id("test", DIM)
        self.finder = CandidateFinder(self.index, self.model_id, COSINE)

    def add(self, *pictures: Fingerprint) -> list[int]:
        with self.catalog.write() as tx:
            ids = tx.contents.add(pictures)
            tx.embeddings.add(self.model_id, dict(zip(ids, (one.vectors for one in pictures), strict=True)))
            labels = np.setdiff1d(tx.embeddings.labels(self.model_id), self.index.labels())
            self.index.add(labels, tx.embeddings.vectors(labels))
        return ids

    def propose(self, *content_ids: int) -> list[Candidate]:
        with self.catalog.read() as tx:
            return self.finder.propose(tx, content_ids)

    def propose_for(self, asked: Fingerprint) -> list[Candidate]:
        with self.catalog.read() as tx:
            return self.finder.propose_for(tx, asked)


@pytest.fixture
def library(catalog: Catalog) -> Library:
    return Library(catalog)


def test_pictures_that_no_net_joins_are_no_candidates(library: Library) -> None:
    assert library.propose(*library.add(*(picture(name) for name in "abcdefgh"))) == []


def test_one_image_stream_proposes_whatever_the_hashes_say(library: Library) -> None:
    a, b = library.add(picture("a", stream=b"s" * 32), picture("b", stream=b"s" * 32))
    (candidate,) = library.propose(a, b)
    assert (candidate.a, candidate.b, candidate.same_stream, candidate.cosine) == (a, b, True, None)
    assert candidate.hash_distance > HASH_REACH


def test_a_hash_within_reach_proposes_and_one_beyond_does_not(library: Library) -> None:
    a, inside, outside = library.add(
        picture("a", bits=BITS),
        picture("b", bits=flipped(BITS, HASH_REACH)),
        picture("c", bits=flipped(BITS, HASH_REACH + 1)),
    )
    assert library.propose(inside) == [Candidate(a, inside, False, HASH_REACH, None)]
    assert [candidate.a for candidate in library.propose(outside)] == [inside]


@pytest.mark.parametrize("orientation", range(8))
def test_a_hash_is_met_in_each_of_the_eight_orientations(library: Library, orientation: int) -> None:
    a, b = library.add(picture("a", bits=BITS), picture("b", turned={orientation: flipped(BITS, 3)}))
    assert library.propose(b) == [Candidate(a, b, False, 3, None)]


def test_vector_neighbours_are_proposed_with_the_best_cosine_of_their_parts(library: Library) -> None:
    a, b, _ = library.add(
        picture("a", vectors=np.concatenate([direction(0), direction(1)])),
        picture("b", vectors=np.concatenate([near(direction(0), 0.7, 5), near(direction(1), 0.9, 6)])),
        picture("c", vectors=near(direction(0), COSINE - 0.05, 7)),
    )
    (candidate,) = library.propose(b)
    assert (candidate.a, candidate.b) == (a, b)
    assert candidate.cosine == pytest.approx(0.9, abs=0.01)


def test_all_neighbours_inside_the_threshold_are_found_however_many(library: Library) -> None:
    crowd = 5 * NEIGHBOURS
    ids = library.add(
        *(picture(f"n{place}", vectors=near(direction(0), 0.95, 1 + place % 20)) for place in range(crowd)),
        picture("last", vectors=direction(0)),
    )
    assert {candidate.a for candidate in library.propose(ids[-1])} == set(ids[:-1])


def test_the_nets_close_and_keep_the_nearest(library: Library) -> None:
    crowd = MOST_NEIGHBOURS + 40
    ids = library.add(
        *(
            picture(
                f"n{place}",
                bits=flipped(BITS, 0 if place % 2 else 5),
                vectors=near(direction(0), 0.98 if place % 2 else 0.8, 1 + place % 20),
            )
            for place in range(crowd)
        ),
        picture("last", bits=BITS, vectors=direction(0)),
    )
    proposed = {candidate.a for candidate in library.propose(ids[-1])}
    assert proposed.issuperset(ids[1:-1:2])
    assert MOST_NEIGHBOURS - 1 <= len(proposed) < crowd


def test_however_many_parts_a_picture_has_the_nearest_contents_win(library: Library) -> None:
    side = MOST_NEIGHBOURS - 10
    ids = library.add(
        *(picture(f"n{place}", vectors=near(direction(0), 0.9, 2 + place % 20)) for place in range(side)),
        *(picture(f"m{place}", vectors=near(direction(1), 0.8, 2 + place % 20)) for place in range(side)),
        picture("last", vectors=np.concatenate([direction(0), direction(1)])),
    )
    proposed = {candidate.a for candidate in library.propose(ids[-1])}
    assert len(proposed) == MOST_NEIGHBOURS
    assert proposed.issuperset(ids[:side])


def test_flat_pictures_neither_propose_nor_are_proposed(library: Library) -> None:
    alike = {"bits": BITS, "vectors": direction(0)}
    flat, _, lively = library.add(
        picture("a", flat=True, **alike), picture("b", flat=True, **alike), picture("c", **alike)
    )
    assert library.propose(flat, lively) == []
    assert library.propose_for(picture("d", flat=True, **alike)) == []


def test_each_two_meet_once(library: Library) -> None:
    a, b, c = library.add(*(picture(name, bits=BITS) for name in "abc"))
    assert [(one.a, one.b) for one in library.propose(a, b, c)] == [(a, b), (a, c), (b, c)]


def test_pairs_that_were_judged_are_not_proposed_again(library: Library) -> None:
    a, b, c = library.add(*(picture(name, bits=BITS) for name in "abc"))
    with library.catalog.write() as tx:
        tx.pairs.put([make_pair(a, c, None, 0.0)])
    assert [(one.a, one.b) for one in library.propose(b, c)] == [(a, b), (b, c)]


def test_contents_added_later_are_seen(library: Library) -> None:
    (a,) = library.add(picture("a", bits=BITS))
    assert library.propose(a) == []
    (b,) = library.add(picture("b", bits=BITS))
    assert [(one.a, one.b) for one in library.propose(b)] == [(a, b)]


def test_a_picture_from_outside_reaches_every_content(library: Library) -> None:
    by_hash, by_vector, by_stream, _ = library.add(
        picture("a", bits=flipped(BITS, 2)),
        picture("b", vectors=near(direction(0), 0.9, 3)),
        picture("c", stream=b"s" * 32),
        picture("d"),
    )
    found = library.propose_for(picture("asked", turned={3: BITS}, vectors=direction(0), stream=b"s" * 32))
    assert {one.a for one in found} == {by_hash, by_vector, by_stream}
    assert {one.b for one in found} == {ASKED}
    assert [one.a for one in found if one.same_stream] == [by_stream]
    assert {one.a: one.hash_distance for one in found}[by_hash] == 2


def test_an_empty_library_proposes_nothing(library: Library) -> None:
    assert library.propose_for(picture("asked")) == []


def test_two_contents_that_no_net_caught_can_be_compared_all_the_same(library: Library) -> None:
    a, b = library.add(
        picture("a", bits=BITS, vectors=direction(0), stream=b"s" * 32),
        picture("b", turned={5: flipped(BITS, 20)}, vectors=near(direction(0), 0.3, 1), stream=b"t" * 32),
    )
    with library.catalog.read() as tx:
        candidate = candidate_between(tx, library.model_id, a, b)
    assert (candidate.a, candidate.b, candidate.same_stream) == (a, b, False)
    assert candidate.hash_distance == 20
    assert candidate.cosine == pytest.approx(0.3, abs=0.01)
