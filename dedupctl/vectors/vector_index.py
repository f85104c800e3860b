"""The interface of a vector index, and the checks that every vector and label must pass before it is added."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.errors import DedupctlError

SMALLEST_SQUARE = 1e-12
"""Below this squared length the direction of a float32 vector is rounding noise."""


class VectorRefused(DedupctlError, ValueError):
    """A vector or label that must not be added to an index; the text says which one and why."""


class VectorIndex(Protocol):
    """Unit vectors by label, compared by cosine. A label is the id of an embedding in the catalog.

    Only one thread may use an index at a time: hnswlib crashes when a vector is added during a search.
    """

    dim: int

    def __len__(self) -> int:
        """The number of labels that a search can find."""

    def labels(self) -> IntArray:
        """Every label that a search can find, ascending, shape (n,)."""

    def add(self, labels: IntArray, vectors: FloatArray) -> None:
        """Add `vectors` (n, dim) under `labels` (n,): all of them, or none if one is refused.

        Raises:
            VectorRefused: a vector is not finite, has zero length or another dimension; a label is negative, given
                twice or already in the index.
        """

    def retire(self, labels: IntArray) -> None:
        """Make sure that these labels are never found again. Labels that are not in the index are ignored."""

    def search(self, vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """The labels nearest to each row of `vectors` (n, dim) and their cosines, nearest first.

        Both results have the shape (n, min(k, len(self))); cosines are between -1 and 1.

        Raises:
            VectorRefused: `add` would refuse one of the rows.
        """

    def search_above(self, vector: FloatArray, cosine: float, k_start: int = 10) -> tuple[IntArray, FloatArray]:
        """Every label whose cosine with `vector` (dim,) is at least `cosine`, and the cosines, nearest first."""


def unit_rows(vectors: FloatArray, dim: int) -> FloatArray:
    """The rows of `vectors` normalised to length 1; shape (n, dim), float32, contiguous.

    hnswlib accepts NaN and zero vectors silently, and searches return wrong results for as long as they stay.

    Raises:
        VectorRefused: `vectors` is not an (n, dim) array, or a row is not finite or has no length.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise VectorRefused(f"vectors of shape {rows.shape} do not fit an index of dimension {dim}")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
    bad = np.flatnonzero(~np.isfinite(squares) | (squares < SMALLEST_SQUARE))
    if len(bad):
        raise VectorRefused(f"vector {bad[0]} of {len(rows)} has no direction: squared length {squares[bad[0]]}")
    units: FloatArray = rows / np.sqrt(squares)[:, np.newaxis]
    return units


def distinct_labels(labels: IntArray, count: int) -> IntArray:
    """`labels` as int64, shape (count,).

    Raises:
        VectorRefused: there is not one label for each vector, or a label is negative (hnswlib would wrap it) or given
            twice.
    """
    checked = np.ascontiguousarray(labels, dtype=np.int64)
    if checked.shape != (count,):
        raise VectorRefused(f"labels of shape {checked.shape} do not fit {count} vectors")
    if count and checked.min() < 0:
        raise VectorRefused(f"label {checked.min()} is negative")
    if len(np.unique(checked)) != count:
        raise VectorRefused("a label is given twice")
    return checked


def top_k(labels: IntArray, cosines: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The `k` largest values in each row of `cosines` (n, m) and their labels from `labels` (n, m), largest first."""
    if k < cosines.shape[1]:
        chosen = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if k else np.empty((len(cosines), 0), np.intp)
        labels, cosines = np.take_along_axis(labels, chosen, 1), np.take_along_axis(cosines, chosen, 1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(labels, order, 1), np.take_along_axis(cosines, order, 1)


def clamped(cosines: FloatArray) -> FloatArray:
    """Cosines clamped to the range -1 to 1: two equal unit vectors give 1.0000002 in float32."""
    return np.clip(cosines, -1.0, 1.0).astype(np.float32)
