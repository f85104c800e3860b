"""The graph index: hnswlib in a wrapper that avoids each of its traps. All untyped calls stay in this file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.twins import Twins, groups_of_equals
from dedupctl.vectors.vector_index import VectorRefused, clamped, distinct_labels, top_k, unit_rows

METRIC = "cosine"
LINKS = 32
"""hnswlib's M. A burst of nearly equal pictures fills the neighbour lists of its members. In bursts of 100, copies of
members are found with a recall of 0.96-0.99 with 16 links and 1.000 with 32, which cost 128 bytes more per vector
(`bench/vectors.py`)."""
EF_CONSTRUCTION = 100
"""With 200 the build takes 1.5 times as long and recall does not improve."""
EF = 128
"""Size of the candidate list during a search. Recall of copies of burst members is 0.97 with 64 and 1.000 with 128."""
EF_TWIN = 32
"""An equal vector is the easiest to find: its cosine is 1."""
TWIN_DISTANCE = 1e-6
"""1 - cosine up to which vectors count as equal. Float32 noise is 3e-7; another edit of a picture is above 1e-5."""
ONE_THREAD, ALL_CORES = 1, -1
BATCH = 4096
"""Vectors held in memory beside the graph while it is built: 2 MB at 128 dimensions."""


class HnswIndex:
    """A `VectorIndex` backed by a graph. It is approximate; `bench/vectors.py` measures how often it misses.

    A retired vector stays in the graph as a waypoint that is never returned. When more than half of the vectors are
    retired, the graph is rebuilt without them.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._graph: Any = hnswlib.Index(METRIC, dim)
        self._graph.init_index(max_elements=BATCH, M=LINKS, ef_construction=EF_CONSTRUCTION)
        self._live: set[int] = set()
        self._retired: set[int] = set()
        self._twins = Twins({})
        self._deleted = 0
        """Number of vectors in the graph that a search must not return."""
        self.ef = EF

    @classmethod
    def load(cls, path: Path, dim: int, retired: Iterable[int], twins: Mapping[int, Iterable[int]]) -> HnswIndex:
        """Load an index that `write` wrote. The file must have been verified: a damaged one crashes the process.

        Raises:
            RuntimeError: hnswlib refuses the file, or it does not exist.
        """
        index = cls(dim)
        index._graph = hnswlib.Index(METRIC, dim)
        index._graph.load_index(os.fsencode(path))
        index._retired = set(retired)
        index._twins = Twins(twins)
        attached = (label for labels in index._twins.by_node().values() for label in labels)
        index._live = (set(index._graph.get_ids_list()) - index._retired) | set(attached)
        index._deleted = sum(1 for node in index._retired if not index._twins.of(node))
        return index

    def write(self, path: Path) -> int:
        """Write the graph to `path`, without fsync; returns the size the file must have, since hnswlib checks nothing.

        The file alone is not the whole index: `retired` and `twins` belong to it.
        """
        self._graph.save_index(os.fsencode(path))
        return int(self._graph.index_file_size())

    @property
    def retired(self) -> tuple[int, ...]:
        """Labels whose vector is still in the graph but which must not be found, ascending."""
        return tuple(sorted(self._retired))

    @property
    def twins(self) -> dict[int, tuple[int, ...]]:
        """Labels that are found through the vector of another label: node -> labels."""
        return self._twins.by_node()

    def __len__(self) -> int:
        return len(self._live)

    def labels(self) -> IntArray:
        return np.array(sorted(self._live), np.int64)

    def vectors(self, labels: IntArray) -> FloatArray:
        """The unit vectors of labels that can be found, shape (n, dim); for a twin, the vector of its node."""
        if not len(labels):
            return np.empty((0, self.dim), np.float32)
        found: FloatArray = np.asarray(self._graph.get_items(self._twins.nodes(labels)), np.float32)
        return found

    def add(self, labels: IntArray, vectors: FloatArray) -> None:
        units = unit_rows(vectors, self.dim)
        new = distinct_labels(labels, len(units))
        known = self._live.intersection(new.tolist())
        if known:
            raise VectorRefused(f"label {min(known)} is already in the index")
        if not self._retired.isdisjoint(new.tolist()):
            # Ids are assigned twice only if an older catalog was put back. hnswlib would revive the old vector.
            self._rebuild()
        for start in range(0, len(new), BATCH):
            self._add_batch(new[start : start + BATCH], units[start : start + BATCH])

    def retire(self, labels: IntArray) -> None:
        for label in self._live.intersection(labels.tolist()):
            self._live.discard(label)
            node = self._twins.drop(label)
            if node == label:
                self._retired.add(label)
            if node in self._retired and not self._twins.of(node):
                self._graph.mark_deleted(node)
                self._deleted += 1
        if 2 * self._deleted > self._graph.element_count:
            self._rebuild()

    def search(self, vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        units = unit_rows(vectors, self.dim)
        wanted = max(0, min(k, len(self)))
        if not wanted or not len(units):
            return np.empty((len(units), wanted), np.int64), np.empty((len(units), wanted), np.float32)
        nodes, cosines = self._nearest_nodes(units, wanted, max(self.ef, 2 * wanted), ONE_THREAD)
        if not self._twins.among(nodes):
            return nodes, cosines
        rows = [self._with_twins(*row, wanted) for row in zip(nodes.tolist(), cosines.tolist(), strict=True)]
        return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float32)

    def search_above(self, vector: FloatArray, cosine: float, k_start: int = 10) -> tuple[IntArray, FloatArray]:
        k = max(1, k_start)
        while True:
            labels, cosines = self.search(vector[np.newaxis], k)
            inside = cosines[0] >= cosine
            if k >= len(self) or not inside.all():
                return labels[0][inside], cosines[0][inside]
            k *= 2

    def _add_batch(self, labels: IntArray, units: FloatArray) -> None:
        """Add each distinct vector to the graph once, and attach the labels of equal vectors to its node."""
        first = groups_of_equals(units)
        node_of_row = labels[first]
        distinct = np.flatnonzero(first == np.arange(len(first)))
        if self._searchable_nodes():
            nodes, cosines = self._nearest_nodes(units[distinct], 1, EF_TWIN, ALL_CORES)
            equal = 1.0 - cosines[:, 0] <= TWIN_DISTANCE
            known = dict(zip(labels[distinct[equal]].tolist(), nodes[equal, 0].tolist(), strict=True))
            node_of_row = np.array([known.get(node, node) for node in node_of_row.tolist()], np.int64)
            distinct = distinct[~equal]
        if len(distinct):
            self._make_room(len(distinct))
            self._graph.add_items(units[distinct], labels[distinct], num_threads=ALL_CORES)
        for label, node in zip(labels.tolist(), node_of_row.tolist(), strict=True):
            if label != node:
                self._twins.attach(label, node)
            self._live.add(label)

    def _make_room(self, count: int) -> None:
        """Grow by at least half, so that a million single additions do not copy the graph a million times."""
        needed = self._graph.element_count + count
        if needed > self._graph.max_elements:
            self._graph.resize_index(max(needed, self._graph.max_elements * 3 // 2))

    def _searchable_nodes(self) -> int:
        """The number of vectors in the graph that a search may return."""
        return int(self._graph.element_count) - self._deleted

    def _nearest_nodes(self, units: FloatArray, k: int, ef: int, threads: int) -> tuple[IntArray, FloatArray]:
        """Up to `k` nodes that are not marked deleted, nearest first, and their cosines."""
        k = min(k, self._searchable_nodes())
        self._graph.set_ef(ef)
        try:
            nodes, distances = self._graph.knn_query(units, k=k, num_threads=threads)
        except RuntimeError:
            # Fewer than k nodes can be reached along the links: the graph has islands, so compare with every vector.
            return self._compare_all(units, k)
        return nodes.astype(np.int64), clamped(1.0 - distances)

    def _compare_all(self, units: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """The same result as `_nearest_nodes`, without using the links of the graph."""
        nodes, cosines = np.empty((len(units), 0), np.int64), np.empty((len(units), 0), np.float32)
        for batch in _batches(np.unique(self._twins.nodes(self.labels()))):
            exact = FlatIndex(self.dim)
            exact.add(batch, self.vectors(batch))
            more_nodes, more_cosines = exact.search(units, k)
            nodes, cosines = top_k(np.hstack([nodes, more_nodes]), np.hstack([cosines, more_cosines]), k)
        return nodes, cosines

    def _with_twins(self, nodes: list[int], cosines: list[float], k: int) -> tuple[list[int], list[float]]:
        """One row of results with each node replaced by the labels it stands for, truncated to `k`."""
        labels: list[int] = []
        values: list[float] = []
        for node, cosine in zip(nodes, cosines, strict=True):
            own = () if node in self._retired else (node,)
            carried = own + self._twins.of(node)
            labels += carried
            values += [cosine] * len(carried)
        return labels[:k], values[:k]

    def _rebuild(self) -> None:
        """Rebuild the graph from its own vectors, without the retired ones."""
        fresh = HnswIndex(self.dim)
        for batch in _batches(self.labels()):
            fresh.add(batch, self.vectors(batch))
        self._graph, self._twins = fresh._graph, fresh._twins
        self._retired, self._deleted = set(), 0


def _batches(labels: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(labels), BATCH):
        yield labels[start : start + BATCH]
