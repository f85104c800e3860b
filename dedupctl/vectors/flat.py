"""The exact index, which compares with every vector. The graph is tested against it, and small sets can use it."""

from __future__ import annotations

import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.vector_index import VectorRefused, clamped, distinct_labels, top_k, unit_rows


class FlatIndex:
    """A `VectorIndex` without approximation: a search multiplies with the whole matrix."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._labels: IntArray = np.empty(0, np.int64)
        self._vectors: FloatArray = np.empty((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self._labels)

    def labels(self) -> IntArray:
        return np.sort(self._labels)

    def add(self, labels: IntArray, vectors: FloatArray) -> None:
        units = unit_rows(vectors, self.dim)
        new = distinct_labels(labels, len(units))
        known = np.intersect1d(new, self._labels)
        if len(known):
            raise VectorRefused(f"label {known[0]} is already in the index")
        self._labels = np.concatenate([self._labels, new])
        self._vectors = np.concatenate([self._vectors, units])

    def retire(self, labels: IntArray) -> None:
        keep = ~np.isin(self._labels, labels)
        self._labels, self._vectors = self._labels[keep], self._vectors[keep]

    def search(self, vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        cosines = clamped(unit_rows(vectors, self.dim) @ self._vectors.T)
        return top_k(np.broadcast_to(self._labels, cosines.shape), cosines, k)

    def search_above(self, vector: FloatArray, cosine: float, k_start: int = 10) -> tuple[IntArray, FloatArray]:  # noqa: ARG002
        labels, cosines = self.search(vector[np.newaxis], len(self))
        inside = cosines[0] >= cosine
        return labels[0][inside], cosines[0][inside]
