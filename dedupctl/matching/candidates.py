"""Candidates: which contents are worth comparing at all. Wide on purpose, because what is not proposed is never proven.

Three nets: the same JPEG image stream, a pHash within reach in any of the eight orientations (exact, by looking at every
hash), and the neighbours of each part's vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import FloatArray
from dedupctl.vectors.base import VectorIndex

HASH_REACH = 8
"""pHash bits of 64 in any orientation. Alone it proposes 0.935 of library edits at 0.005 false candidates a photo."""
NEIGHBOURS = 10
"""First number of vector neighbours asked for; doubled while the farthest is still inside the threshold."""


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


class HashTable:
    """All pHashes in memory, 16 bytes a content, searched exactly."""

    def __init__(self) -> None:
        self.ids: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._bits: npt.NDArray[np.uint64] = np.empty(0, np.uint64)

    def refresh(self, tx: Transaction) -> None:
        """Take in the contents added since the last call."""
        above = int(self.ids[-1]) if len(self.ids) else 0
        ids, bits = tx.contents.hashes("phash", above=above)
        if len(ids):
            self.ids = np.concatenate([self.ids, ids])
            self._bits = np.concatenate([self._bits, bits])

    def within(self, orientations: bytes, reach: int) -> dict[int, int]:
        """Contents whose hash is at most `reach` bits from one of these eight hashes (packed, 8 bytes each)."""
        if not len(self.ids):
            return {}
        distances = self._distances(self._bits, orientations)
        near = np.flatnonzero(distances <= reach)
        return {int(self.ids[place]): int(distances[place]) for place in near}

    def distance(self, content_id: int, orientations: bytes) -> int:
        """Smallest distance of one known content's hash from these eight."""
        place = int(np.searchsorted(self.ids, content_id))
        return int(self._distances(self._bits[place : place + 1], orientations)[0])

    @staticmethod
    def _distances(bits: npt.NDArray[np.uint64], orientations: bytes) -> npt.NDArray[np.uint8]:
        variants = np.frombuffer(orientations, ">u8").astype(np.uint64)
        nearest = np.full(len(bits), 64, np.uint8)
        for variant in variants:
            np.minimum(nearest, np.bitwise_count(bits ^ variant), out=nearest)
        return nearest


class CandidateFinder:
    """Proposes partners for new contents among everything the catalog holds."""

    def __init__(self, index: VectorIndex, model_id: int, cosine: float) -> None:
        self._index = index
        self._model_id = model_id
        self._cosine = cosine
        self._hashes = HashTable()

    def propose(self, tx: Transaction, content_ids: Sequence[int]) -> list[Candidate]:
        """Candidates of these contents that were never compared before. Flat pictures propose nothing."""
        self._hashes.refresh(tx)
        known = tx.contents.get(content_ids)
        lively = [content_id for content_id in content_ids if not known[content_id].flat]
        orientations = tx.contents.hash_of(lively, "phash8")
        twins = tx.contents.sharing_stream(lively)
        cosines = self._vector_neighbours(tx, lively)
        found: dict[tuple[int, int], Candidate] = {}
        for content_id in lively:
            distances = self._hashes.within(orientations[content_id], HASH_REACH)
            for other in (twins[content_id] | distances.keys() | cosines[content_id].keys()) - {content_id}:
                distance = distances.get(other)
                if distance is None:
                    distance = self._hashes.distance(other, orientations[content_id])
                key = (min(content_id, other), max(content_id, other))
                found[key] = Candidate(*key, other in twins[content_id], distance, cosines[content_id].get(other))
        judged = tx.pairs.judged_among(found.keys())
        return [candidate for key, candidate in found.items() if key not in judged]

    def _vector_neighbours(self, tx: Transaction, content_ids: Sequence[int]) -> dict[int, dict[int, float]]:
        """For each content, the best cosine to every content with a part inside the threshold."""
        parts = tx.embeddings.of_contents(self._model_id, content_ids)
        owners = [content_id for content_id, rows in parts.items() for _ in rows]
        hits = self._search([vector for rows in parts.values() for _, vector in rows])
        content_of = tx.embeddings.owners({label for found in hits for label, _ in found})
        best: dict[int, dict[int, float]] = {content_id: {} for content_id in content_ids}
        for owner, found in zip(owners, hits, strict=True):
            for label, cosine in found:
                other = content_of.get(label)
                if other is not None and other != owner:
                    best[owner][other] = max(cosine, best[owner].get(other, -1.0))
        return best

    def _search(self, vectors: list[FloatArray]) -> list[list[tuple[int, float]]]:
        """(label, cosine) of all neighbours inside the threshold, a list for each vector."""
        if not vectors or not len(self._index):
            return [[] for _ in vectors]
        labels, cosines = self._index.search(np.stack(vectors), NEIGHBOURS)
        hits = []
        for vector, row, near in zip(vectors, labels, cosines, strict=True):
            if len(row) == NEIGHBOURS and near[-1] >= self._cosine:
                row, near = self._index.search_above(vector, self._cosine, 2 * NEIGHBOURS)  # noqa: PLW2901
            hits.append(_inside(row, near, self._cosine))
        return hits


def _inside(labels: Iterable[int], cosines: Iterable[float], least: float) -> list[tuple[int, float]]:
    return [(int(label), float(cosine)) for label, cosine in zip(labels, cosines, strict=True) if cosine >= least]
