"""Makes the index say what the catalog says. The catalog is right; the index is a cache that may be late or gone.

There is no watermark: whatever the index and the catalog differ in is added or retired, so that no order in which the
two were written before a crash can matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.base import VectorIndex, unit_rows
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.snapshot import SnapshotRefused, load

Fetch: TypeAlias = Callable[[IntArray], FloatArray]
"""Labels (n,) -> their vectors (n, dim), in the same order. Called with at most `BATCH` labels at a time."""

BATCH = 4096
SAMPLE = 64
"""Shared labels whose vectors are compared at open."""
SAME_COSINE = 0.999
"""One vector, kept at half precision in the catalog and in full in the index, has 0.9999998 with itself."""


@dataclass(frozen=True, slots=True)
class OpenedIndex:
    """An index that agrees with the catalog, and what it took."""

    index: HnswIndex
    rebuilt_because: str | None
    """The check that failed, in words; None where the snapshot was good."""
    added: int
    retired: int


def open_index(
    directory: Path, *, dim: int, model_key: str, catalog_id: str, alive: IntArray, fetch: Fetch
) -> OpenedIndex:
    """The index of `alive`, from the snapshot in `directory` where that can be trusted, else from the vectors alone.

    Writes nothing, so that it needs no lock; the lock's holder may `save` the result. `alive` and `fetch` must be of
    one read transaction.

    Raises:
        VectorRefused: the catalog holds a vector that no index may hold.
    """
    try:
        index = load(directory, dim=dim, model_key=model_key, catalog_id=catalog_id)
        _refuse_other_vectors(index, alive, fetch)
    except SnapshotRefused as refused:
        index = HnswIndex(dim)
        added, retired = reconcile(index, alive, fetch)
        return OpenedIndex(index, str(refused), added, retired)
    added, retired = reconcile(index, alive, fetch)
    return OpenedIndex(index, None, added, retired)


def reconcile(index: VectorIndex, alive: IntArray, fetch: Fetch) -> tuple[int, int]:
    """Retire what is not alive, add what is missing; returns how many were (added, retired).

    Raises:
        VectorRefused: `fetch` gave a vector that no index may hold.
    """
    held = index.labels()
    gone = np.setdiff1d(held, alive)
    missing = np.setdiff1d(alive, held)
    index.retire(gone)
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        index.add(batch, fetch(batch))
    return len(missing), len(gone)


def _refuse_other_vectors(index: HnswIndex, alive: IntArray, fetch: Fetch) -> None:
    """An older catalog that was put back gives its next ids a second time: then a label means another picture here.

    The ids given twice are the highest, so the highest shared labels tell.
    """
    shared = np.intersect1d(index.labels(), alive)[-SAMPLE:]
    if not len(shared):
        return
    cosines = np.einsum("ij,ij->i", index.vectors(shared), unit_rows(fetch(shared), index.dim))
    others = shared[cosines < SAME_COSINE]
    if len(others):
        raise SnapshotRefused(f"label {others[0]} has another vector in the catalog: an older catalog was put back")
