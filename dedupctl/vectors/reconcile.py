"""Bringing the index in line with the catalog. The catalog is right; the index is a cache that may be stale or missing.

There is no watermark: every difference between the two is added or retired, so the order in which they were written
before a crash cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.snapshot import SnapshotRefused, load
from dedupctl.vectors.vector_index import VectorIndex, unit_rows

Fetch: TypeAlias = Callable[[IntArray], FloatArray]
"""Maps labels (n,) to their vectors (n, dim), in the same order. Called with at most `BATCH` labels at a time."""

BATCH = 4096
SAMPLE = 64
"""How many shared labels have their vectors compared when the index is opened."""
SAME_COSINE = 0.999
"""A vector at half precision, as in the catalog, has a cosine of 0.9999998 with itself at full precision."""


@dataclass(frozen=True, slots=True)
class OpenedIndex:
    """An index that agrees with the catalog, and what had to be changed for that."""

    index: HnswIndex
    rebuilt_because: str | None
    """The check that failed, in words; None if the snapshot was used."""
    added: int
    retired: int


def open_index(
    directory: Path, *, dim: int, model_key: str, catalog_id: str, alive: IntArray, fetch: Fetch
) -> OpenedIndex:
    """The index of the labels in `alive`: from the snapshot in `directory` if it passes every check, else rebuilt.

    Writes nothing and so needs no lock; the holder of the lock may `save` the result. `alive` and `fetch` must belong
    to one read transaction.

    Raises:
        VectorRefused: the catalog holds a vector that must not be indexed.
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
    """Retire the labels that are not in `alive` and add those that are missing; returns the counts (added, retired).

    Raises:
        VectorRefused: `fetch` returned a vector that must not be indexed.
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
    """Refuse a snapshot whose labels mean other pictures, because an older catalog was put back and reused their ids.

    The reused ids are the highest ones, so the highest shared labels are compared.
    """
    shared = np.intersect1d(index.labels(), alive)[-SAMPLE:]
    if not len(shared):
        return
    cosines = np.einsum("ij,ij->i", index.vectors(shared), unit_rows(fetch(shared), index.dim))
    others = shared[cosines < SAME_COSINE]
    if len(others):
        raise SnapshotRefused(f"label {others[0]} has another vector in the catalog: an older catalog was put back")
