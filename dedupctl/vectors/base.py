"""What a vector index promises, and the door every vector passes before it may enter one."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.errors import DedupctlError

SMALLEST_SQUARE = 1e-12
"""Below this squared length a float32 direction is rounding noise."""


class VectorRefused(DedupctlError, ValueError):
    """A vector or label that must not enter an index; the text says which and why."""


class VectorIndex(Protocol):
    """Unit vectors by label, compared by cosine. Labels are embedding ids of the catalog.

    One thread at a time: hnswlib crashes when a vector is added during a search.
    """

    dim: int

    def __len__(self) -> int:
        """How many labels a search can find."""

    def labels(self) -> IntArray:
        """Every label a search can find, ascending, shape (n,)."""

    def add(self, labels: IntArray, vectors: FloatArray) -> None:
        """Make `vectors` (n, dim) findable under `labels` (n,); all of them or, when one is refused, none.

        Raises:
            VectorRefused: not finite, of zero length, of another dimension; a label that is negative, given twice or
                already there.
        """

    def retire(self, labels: IntArray) -> None:
        """Let these labels never be found again. Those that are not there are passed over."""

    def search(self, vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """The nearest labels of each row of `vectors` (n, dim) and their cosines, nearest first.

        Both results have the shape (n, min(k, len(self))); cosines lie within -1 and 1.

        Raises:
            VectorRefused: a row that `add` would refuse.
        """

    def search_above(self, vector: FloatArray, cosine: float, k_start: int = 10) -> tuple[IntArray, FloatArray]:
        """Every label whose cosine with `vector` (dim,) is at least `cosine`, nearest first, and the cosines."""


def unit_rows(vectors: FloatArray, dim: int) -> FloatArray:
    """The rows of `vectors` at length 1, shape (n, dim), float32, contiguous.

    hnswlib takes NaN and zero vectors without a word, and every later search is wrong for as long as they stay.

    Raises:
        VectorRefused: not an (n, dim) array, or a row that is not finite or has no length.
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
        VectorRefused: not one label a vector, a negative one (hnswlib would wrap it), or one given twice.
    """
    checked = np.ascontiguousarray(labels, dtype=np.int64)
    if checked.shape != (count,):
        raise VectorRefused(f"labels of shape {checked.shape} do not fit {count} vectors")
    if count and checked.min() < 0:
        raise VectorRefused(f"label {checked.min()} is negative")
    if len(np.unique(checked)) != count:
        raise VectorRefused("a label is given twice")
    return checked


def best(labels: IntArray, cosines: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The `k` largest of each row of `cosines` (n, m), largest first, with the labels that belong to them (n, m)."""
    if k < cosines.shape[1]:
        chosen = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if k else np.empty((len(cosines), 0), np.intp)
        labels, cosines = np.take_along_axis(labels, chosen, 1), np.take_along_axis(cosines, chosen, 1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(labels, order, 1), np.take_along_axis(cosines, order, 1)


def clamped(cosines: FloatArray) -> FloatArray:
    """Cosines within -1 and 1: two equal unit vectors give 1.0000002 in float32."""
    return np.clip(cosines, -1.0, 1.0).astype(np.float32)
