"""Twins: labels with equal vectors, which share one node so that the graph holds the vector only once.

A hundred equal vectors fill each other's neighbour lists in an HNSW graph: a search that reaches them finds no way out,
and no later vector is linked past them. Measured with bare hnswlib 0.8.0 (M 16, ef_construction 100, ef 64) on 20,000
vectors and 4,000 more that are equal in groups: copies of the *other* 20,000 are found with a recall of 0.9995 with
groups of 33, 0.949 with groups of 100 and 0.799 with groups of 1,000. Equal vectors are common here, because copies
with the same pixels have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dedupctl.domain import FloatArray, IntArray


class Twins:
    """Which labels are attached to which node of the graph. A node has the label that its vector was added under."""

    def __init__(self, by_node: Mapping[int, Iterable[int]]) -> None:
        self._by_node = {node: list(labels) for node, labels in by_node.items()}
        self._node_of = {label: node for node, labels in self._by_node.items() for label in labels}

    def attach(self, label: int, node: int) -> None:
        """Have `label` found wherever `node` is found."""
        self._by_node.setdefault(node, []).append(label)
        self._node_of[label] = node

    def drop(self, label: int) -> int:
        """Detach the label from its node and return that node; a label that is not attached is its own node."""
        node = self._node_of.pop(label, label)
        if node != label:
            self._by_node[node].remove(label)
            if not self._by_node[node]:
                del self._by_node[node]
        return node

    def of(self, node: int) -> tuple[int, ...]:
        """The labels attached to this node, without the node's own."""
        return tuple(self._by_node.get(node, ()))

    def nodes(self, labels: IntArray) -> IntArray:
        """The node of each label, shape (n,)."""
        return np.array([self._node_of.get(label, label) for label in labels.tolist()], np.int64)

    def by_node(self) -> dict[int, tuple[int, ...]]:
        """All attached labels, in the form that `__init__` takes."""
        return {node: tuple(labels) for node, labels in self._by_node.items()}

    def among(self, nodes: IntArray) -> bool:
        """Whether any label is attached to one of these nodes."""
        return bool(self._by_node) and not self._by_node.keys().isdisjoint(nodes.ravel().tolist())


def groups_of_equals(units: FloatArray) -> IntArray:
    """For each row of `units` (n, dim), the index of the first row that equals it at half precision; shape (n,).

    Half precision, because embedding a picture in batches of different sizes changes the seventh digit.
    """
    keys = np.ascontiguousarray(units.astype(np.float16) + np.float16(0))  # + 0 makes -0 equal to 0
    rows = keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).ravel()
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    firsts: IntArray = first[group.ravel()].astype(np.int64)
    return firsts
