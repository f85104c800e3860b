"""The graph index: hnswlib behind a wrapper that closes each of its traps. Its untyped calls stay in this file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.base import VectorRefused, best, clamped, distinct_labels, unit_rows
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.twins import Twins, groups_of_equals

METRIC = "cosine"
LINKS = 32
"""hnswlib's M. A burst of near-equal pictures fills the neighbour lists of its members: with 16 links copies of members
of bursts of 100 are found at 0.96-0.99, with 32 at 1.000, for 128 bytes a vector more (`bench/vectors.py`)."""
EF_CONSTRUCTION = 100
"""200 takes 1.5 times as long to build and finds no more."""
EF = 128
"""Vectors kept in view while searching. 64 finds copies of members of bursts at 0.97, 128 at 1.000."""
EF_TWIN = 32
"""An equal vector is the easiest to find: cosine 1."""
TWIN_DISTANCE = 1e-6
"""1 - cosine of vectors that count as equal. Float32 noise is 3e-7; another edit of a picture is beyond 1e-5."""
ONE_THREAD, ALL_CORES = 1, -1
BATCH = 4096
"""Vectors held beside the graph while it is built: 2 MB at 128 dimensions."""


class HnswIndex:
    """A `VectorIndex` on a graph. Approximate: see `bench/vectors.py` for how often it misses.

    A retired vector stays in the graph as a waypoint that is never returned; when more than half are like that, the
    graph is built anew without them.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._graph: Any = hnswlib.Index(METRIC, dim)
        self._graph.init_index(max_elements=BATCH, M=LINKS, ef_construction=EF_CONSTRUCTION)
        self._live: set[int] = set()
        self._retired: set[int] = set()
        self._twins = Twins({})
        self._closed = 0
        """Vectors of the graph that a search must not return."""
        self.ef = EF

    @classmethod
    def load(cls, path: Path, dim: int, retired: Iterable[int], twins: Mapping[int, Iterable[int]]) -> HnswIndex:
        """The index that `write` put there. Only for a file that was verified: a damaged one crashes the process.

        Raises:
            RuntimeError: hnswlib refuses the file, or it is not there.
        """
        index = cls(dim)
        index._graph = hnswlib.Index(METRIC, dim)
        index._graph.load_index(os.fsencode(path))
        index._retired = set(retired)
        index._twins = Twins(twins)
        hanging = (label for labels in index._twins.by_node().values() for label in labels)
        index._live = (set(index._graph.get_ids_list()) - index._retired) | set(hanging)
        index._closed = sum(1 for node in index._retired if not index._twins.of(node))
        return index

    def write(self, path: Path) -> int:
        """Write the graph to `path`, not durably; returns the size the file must have, since hnswlib checks nothing.

        The file alone is not the index: `retired` and `twins` belong to it.
        """
        self._graph.save_index(os.fsencode(path))
        return int(self._graph.index_file_size())

    @property
    def retired(self) -> tuple[int, ...]:
        """Labels whose vector is still in the graph but that must not be found, ascending."""
        return tuple(sorted(self._retired))

    @property
    def twins(self) -> dict[int, tuple[int, ...]]:
        """Labels that are found through the vector of another: node -> labels."""
        return self._twins.by_node()

    def __len__(self) -> int:
        return len(self._live)

    def labels(self) -> IntArray:
        return np.array(sorted(self._live), np.int64)

    def vectors(self, labels: IntArray) -> FloatArray:
        """The unit vectors of labels that can be found, shape (n, dim); equal vectors are given as their first."""
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
            # Ids are never given twice, unless an older catalog was put back. hnswlib would revive the old vector.
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
                self._closed += 1
        if 2 * self._closed > self._graph.element_count:
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
        """Put each new vector into the graph once, and hang the labels of equal ones on it."""
        first = groups_of_equals(units)
        node_of_row = labels[first]
        distinct = np.flatnonzero(first == np.arange(len(first)))
        if self._open_nodes():
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
                self._twins.hang(label, node)
            self._live.add(label)

    def _make_room(self, count: int) -> None:
        """Grow by half at least, so that a million single additions do not copy the graph a million times."""
        needed = self._graph.element_count + count
        if needed > self._graph.max_elements:
            self._graph.resize_index(max(needed, self._graph.max_elements * 3 // 2))

    def _open_nodes(self) -> int:
        """How many vectors of the graph a search may return."""
        return int(self._graph.element_count) - self._closed

    def _nearest_nodes(self, units: FloatArray, k: int, ef: int, threads: int) -> tuple[IntArray, FloatArray]:
        """Up to `k` nodes that are not marked deleted, nearest first, and their cosines."""
        k = min(k, self._open_nodes())
        self._graph.set_ef(ef)
        try:
            nodes, distances = self._graph.knn_query(units, k=k, num_threads=threads)
        except RuntimeError:
            # Fewer than k nodes can be reached along the links: the graph has islands, so compare with all of them.
            return self._compare_all(units, k)
        return nodes.astype(np.int64), clamped(1.0 - distances)

    def _compare_all(self, units: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """What `_nearest_nodes` means, without the graph's links."""
        nodes, cosines = np.empty((len(units), 0), np.int64), np.empty((len(units), 0), np.float32)
        for batch in _batches(np.unique(self._twins.nodes(self.labels()))):
            exact = FlatIndex(self.dim)
            exact.add(batch, self.vectors(batch))
            more_nodes, more_cosines = exact.search(units, k)
            nodes, cosines = best(np.hstack([nodes, more_nodes]), np.hstack([cosines, more_cosines]), k)
        return nodes, cosines

    def _with_twins(self, nodes: list[int], cosines: list[float], k: int) -> tuple[list[int], list[float]]:
        """One row of results with each node replaced by the labels it stands for, cut to `k`."""
        labels: list[int] = []
        values: list[float] = []
        for node, cosine in zip(nodes, cosines, strict=True):
            own = () if node in self._retired else (node,)
            carried = own + self._twins.of(node)
            labels += carried
            values += [cosine] * len(carried)
        return labels[:k], values[:k]

    def _rebuild(self) -> None:
        """Build the graph anew from its own vectors, without the retired ones."""
        fresh = HnswIndex(self.dim)
        for batch in _batches(self.labels()):
            fresh.add(batch, self.vectors(batch))
        self._graph, self._twins = fresh._graph, fresh._twins
        self._retired, self._closed = set(), 0


def _batches(labels: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(labels), BATCH):
        yield labels[start : start + BATCH]
