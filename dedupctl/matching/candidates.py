"""Candidates: which contents are worth comparing at all. Wide on purpose: what is not proposed is never proven.

Three nets: the same JPEG image stream, a pHash within reach in any of the eight orientations (exact, by looking at
every hash), and the neighbours of each part's vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Fingerprint, FloatArray, IntArray
from dedupctl.matching.hash_table import HashTable, closest_distance
from dedupctl.matching.reach import cosine_for, expected_by_chance
from dedupctl.vectors.vector_index import VectorIndex

HASH_REACH = 8
"""pHash bits of 64 in any orientation. Alone it proposes 0.935 of library edits at 0.005 false candidates a photo."""
NEIGHBOURS = 10
"""Fewest vector neighbours asked for; doubled while the farthest is still inside the threshold."""
MOST_NEIGHBOURS = 160
"""Where a net closes: beyond so many, the nearest win. A time-lapse of 10,000 frames would else cost 50 million proofs;
copies of one picture are nearer to each other than other shots are, and clusters tie larger groups together."""

ASKED = 2**62
"""Stands for a picture that is not in the catalog: above every content id, so that all may be reached."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two contents (a < b) worth comparing, and what proposed them."""

    a: int
    b: int
    same_stream: bool
    hash_distance: int
    """Smallest pHash distance over the eight orientations, in bits of 64; measured for every candidate."""
    cosine: float | None
    """Largest cosine of any two parts that reached each other; None where no vector did."""


@dataclass(frozen=True, slots=True)
class _Probe:
    """What is asked of the nets for one picture."""

    orientations: bytes
    """Its pHash in the eight orientations, packed, 8 bytes each."""
    twins: set[int]
    cosines: dict[int, float]


class CandidateFinder:
    """Proposes partners among everything the catalog holds.

    `cosine` is that from which vectors are worth comparing in a small library; in a large one it is larger (`reach`),
    unless `deep` asks to propose as widely as in a small one.
    """

    def __init__(self, index: VectorIndex, model_id: int, cosine: float, *, deep: bool = False) -> None:
        self._index = index
        self._model_id = model_id
        self._least_cosine = cosine
        self._deep = deep
        self._hashes = HashTable()

    @property
    def _cosine(self) -> float:
        return self._least_cosine if self._deep else cosine_for(len(self._hashes), self._least_cosine)

    @property
    def pictures(self) -> int:
        """How many pictures can be proposed."""
        return len(self._hashes)

    @property
    def expected_by_chance(self) -> float:
        """How many candidates a picture without any copy must be expected to have."""
        return expected_by_chance(len(self._hashes), self._cosine)

    def propose(self, tx: Transaction, content_ids: Sequence[int]) -> list[Candidate]:
        """Candidates among the contents of smaller id, never compared before. Flat pictures propose nothing."""
        self._hashes.refresh(tx)
        known = tx.contents.get(content_ids)
        lively = [content_id for content_id in content_ids if not known[content_id].flat]
        orientations = tx.contents.orientations(lively)
        twins = tx.contents.sharing_stream(lively)
        parts = tx.embeddings.of_contents(self._model_id, lively)
        cosines = self._neighbours(
            tx, {content_id: [vector for _, vector in rows] for content_id, rows in parts.items()}
        )
        found = [
            candidate
            for content_id in lively
            for candidate in self._reached(
                _Probe(orientations[content_id], twins[content_id], cosines.get(content_id, {})), content_id
            )
        ]
        judged = tx.pairs.judged_among([(candidate.a, candidate.b) for candidate in found])
        return [candidate for candidate in found if (candidate.a, candidate.b) not in judged]

    def propose_for(self, tx: Transaction, fingerprint: Fingerprint) -> list[Candidate]:
        """Candidates for a picture that need not be in the catalog; it stands as `b` with the id `ASKED`."""
        if fingerprint.flat:
            return []
        self._hashes.refresh(tx)
        twins = tx.contents.with_stream(fingerprint.stream_digest) if fingerprint.stream_digest else set()
        cosines = self._neighbours(tx, {ASKED: list(fingerprint.vectors)})
        return list(self._reached(_Probe(fingerprint.hashes["phash8"], twins, cosines.get(ASKED, {})), ASKED))

    def _reached(self, probe: _Probe, asking: int) -> Iterator[Candidate]:
        """Whatever any net caught below the id of the one who asks."""
        distances = self._hashes.within(probe.orientations, HASH_REACH, below=asking, most=MOST_NEIGHBOURS)
        for other in probe.twins | distances.keys() | probe.cosines.keys():
            if other < asking:
                distance = distances.get(other)
                if distance is None:
                    distance = self._hashes.distance(other, probe.orientations)
                yield Candidate(other, asking, other in probe.twins, distance, probe.cosines.get(other))

    def _neighbours(self, tx: Transaction, parts: Mapping[int, Sequence[FloatArray]]) -> dict[int, dict[int, float]]:
        """For each picture, the best cosine to the nearest contents with a part inside the threshold."""
        asking = [content_id for content_id, vectors in parts.items() for _ in vectors]
        hits = self._search([vector for vectors in parts.values() for vector in vectors])
        content_of = tx.embeddings.owners({label for found in hits for label, _ in found})
        best: dict[int, dict[int, float]] = {content_id: {} for content_id in parts}
        for content_id, found in zip(asking, hits, strict=True):
            for label, cosine in found:
                other = content_of.get(label)
                if other is not None and other != content_id:
                    best[content_id][other] = max(cosine, best[content_id].get(other, -1.0))
        return {content_id: _nearest(found) for content_id, found in best.items()}

    def _search(self, vectors: Sequence[FloatArray]) -> list[list[tuple[int, float]]]:
        """(label, cosine) of all neighbours inside the threshold, a list for each vector."""
        if not vectors or not len(self._index):
            return [[] for _ in vectors]
        cosine, first = self._cosine, min(MOST_NEIGHBOURS, NEIGHBOURS + round(2 * self.expected_by_chance))
        labels, cosines = self._index.search(np.stack(vectors), first)
        hits = []
        for vector, row, near in zip(vectors, labels, cosines, strict=True):
            hits.append(_inside(*self._widened(vector, row, near, first, cosine), cosine))
        return hits

    def _widened(
        self, vector: FloatArray, labels: IntArray, cosines: FloatArray, wanted: int, cosine: float
    ) -> tuple[IntArray, FloatArray]:
        """The same hits, or more while the farthest is inside the threshold and the net is open."""
        while len(labels) == wanted < MOST_NEIGHBOURS and cosines[-1] >= cosine:
            wanted = min(2 * wanted, MOST_NEIGHBOURS)
            many, near = self._index.search(vector[np.newaxis], wanted)
            labels, cosines = many[0], near[0]
        return labels, cosines


def candidate_between(tx: Transaction, model_id: int, a: int, b: int) -> Candidate:
    """Two contents (a < b) as the candidate they would have been, had any net caught them."""
    orientations = tx.contents.orientations([a, b])
    parts = tx.embeddings.of_contents(model_id, [a, b])
    return Candidate(
        a,
        b,
        same_stream=b in tx.contents.sharing_stream([a])[a],
        hash_distance=closest_distance(orientations[a][:8], orientations[b]),
        cosine=largest_cosine(parts.get(a, []), parts.get(b, [])),
    )


def largest_cosine(one: Iterable[tuple[int, FloatArray]], other: Sequence[tuple[int, FloatArray]]) -> float | None:
    """Between any two of the (label, vector) of two pictures; None where one has no vector."""
    cosines = (float(vector @ against) for _, vector in one for _, against in other)
    return max(cosines, default=None)


def _nearest(cosines: dict[int, float]) -> dict[int, float]:
    """As many as a net holds: each part of a picture threw one of its own."""
    if len(cosines) <= MOST_NEIGHBOURS:
        return cosines
    return dict(sorted(cosines.items(), key=lambda item: -item[1])[:MOST_NEIGHBOURS])


def _inside(labels: Iterable[int], cosines: Iterable[float], least: float) -> list[tuple[int, float]]:
    return [(int(label), float(cosine)) for label, cosine in zip(labels, cosines, strict=True) if cosine >= least]
