"""Labels that share one vector, so that the graph holds it only once.

A hundred equal vectors fill each other's neighbour lists in an HNSW graph: a search that walks in finds no way out, and
no later vector is linked past them. Seen with bare hnswlib 0.8.0 (M 16, ef_construction 100, ef 64) on 20,000 vectors
and 4,000 more that are equal in groups: copies of the *other* 20,000 are found at 0.9995 with groups of 33, at 0.949
with groups of 100 and at 0.799 with groups of 1,000. Equal vectors are common here: copies with the same pixels have
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dedupctl.domain import FloatArray, IntArray


class Twins:
    """Which labels hang on which node of the graph. A node is named by the label its vector came with."""

    def __init__(self, by_node: Mapping[int, Iterable[int]]) -> None:
        self._by_node = {node: list(labels) for node, labels in by_node.items()}
        self._node_of = {label: node for node, labels in self._by_node.items() for label in labels}

    def hang(self, label: int, node: int) -> None:
        """Let `label` be found wherever `node` is found."""
        self._by_node.setdefault(node, []).append(label)
        self._node_of[label] = node

    def drop(self, label: int) -> int:
        """Take the label off its node, which is returned; a label that hangs nowhere is its own node."""
        node = self._node_of.pop(label, label)
        if node != label:
            self._by_node[node].remove(label)
            if not self._by_node[node]:
                del self._by_node[node]
        return node

    def of(self, node: int) -> tuple[int, ...]:
        """The labels that hang on this node, without the node's own."""
        return tuple(self._by_node.get(node, ()))

    def nodes(self, labels: IntArray) -> IntArray:
        """The node of each label, shape (n,)."""
        return np.array([self._node_of.get(label, label) for label in labels.tolist()], np.int64)

    def by_node(self) -> dict[int, tuple[int, ...]]:
        """All there are, as `__init__` takes them."""
        return {node: tuple(labels) for node, labels in self._by_node.items()}

    def among(self, nodes: IntArray) -> bool:
        """Does any of these nodes carry a label that is not its own?"""
        return bool(self._by_node) and not self._by_node.keys().isdisjoint(nodes.ravel().tolist())


def groups_of_equals(units: FloatArray) -> IntArray:
    """For each row of `units` (n, dim) the first row that is equal to it at half precision, shape (n,).

    Half precision, because one picture embedded in batches of different sizes differs in the seventh digit.
    """
    keys = np.ascontiguousarray(units.astype(np.float16) + np.float16(0))  # + 0 makes -0 equal to 0
    rows = keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).ravel()
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    firsts: IntArray = first[group.ravel()].astype(np.int64)
    return firsts
