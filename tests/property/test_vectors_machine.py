"""Whatever happens to the graph and its files, it says what the exact index says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.reconcile import open_index
from dedupctl.vectors.snapshot import MANIFEST_NAME, save, verify_snapshot

DIM = 12
TOLERANCE = 1e-5
POOL = np.random.default_rng(5).normal(size=(40, DIM)).astype(np.float32)
"""Few vectors for many labels: equal ones are the rule. Each also comes with a little noise, as bursts do."""


class GraphAgainstExact(RuleBasedStateMachine):
    """`truth` is the catalog: the vectors of all labels alive. `exact` holds them too, `graph` is under test."""

    @initialize()
    def start(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.directory = self.home / "vectors"
        self.older = self.home / "older"
        self.truth: dict[int, FloatArray] = {}
        self.next_label = 1
        self.exact = FlatIndex(DIM)
        self.graph = HnswIndex(DIM)

    def teardown(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def alive(self) -> IntArray:
        return np.array(sorted(self.truth), np.int64)

    def fetch(self, labels: IntArray) -> FloatArray:
        return np.array([self.truth[label] for label in labels.tolist()], np.float32).reshape(-1, DIM)

    @rule(
        chosen=st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=12),
        noise=st.sampled_from([0.0, 0.0, 0.05]),
        in_graph=st.booleans(),
    )
    def add(self, chosen: list[int], noise: float, in_graph: bool) -> None:
        """New pictures; not `in_graph` when the process died between the catalog and the graph."""
        labels = np.arange(self.next_label, self.next_label + len(chosen))
        self.next_label += len(chosen)
        vectors = POOL[chosen] + noise * np.random.default_rng(self.next_label).normal(size=(len(chosen), DIM))
        self.truth |= dict(zip(labels.tolist(), vectors.astype(np.float32), strict=True))
        self.exact.add(labels, self.fetch(labels))
        if in_graph:
            self.graph.add(labels, self.fetch(labels))
        else:
            self.reopen()

    @precondition(lambda self: self.truth)
    @rule(data=st.data(), in_graph=st.booleans())
    def retire(self, data: st.DataObject, in_graph: bool) -> None:
        labels = np.array(data.draw(st.lists(st.sampled_from(sorted(self.truth)), unique=True, max_size=12)), np.int64)
        for label in labels.tolist():
            del self.truth[label]
        self.exact.retire(labels)
        if in_graph:
            self.graph.retire(labels)
        else:
            self.reopen()

    @rule()
    def save(self) -> None:
        save(self.graph, self.directory, model_key="model", catalog_id="catalog")
        assert self.verified() is None

    @rule()
    def reopen(self) -> None:
        """A restart: what is not in the snapshot is made up from the catalog."""
        expected = self.verified()
        opened = open_index(
            self.directory,
            dim=DIM,
            model_key="model",
            catalog_id="catalog",
            alive=self.alive(),
            fetch=self.fetch,
        )
        assert opened.rebuilt_because == expected
        self.graph = opened.index

    @precondition(lambda self: self.directory.exists())
    @rule()
    def keep_a_copy(self) -> None:
        shutil.rmtree(self.older, ignore_errors=True)
        shutil.copytree(self.directory, self.older)

    @precondition(lambda self: self.older.exists())
    @rule()
    def put_back_a_stale_snapshot(self) -> None:
        shutil.rmtree(self.directory)
        shutil.copytree(self.older, self.directory)
        self.reopen()

    @precondition(lambda self: self.directory.exists())
    @rule(data=st.data())
    def damage_a_file(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.directory.iterdir())))
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        assert self.verified() is not None
        self.reopen()

    @precondition(lambda self: (self.directory / MANIFEST_NAME).exists())
    @rule()
    def lose_the_manifest(self) -> None:
        (self.directory / MANIFEST_NAME).unlink()
        self.reopen()

    @invariant()
    def the_same_labels_can_be_found(self) -> None:
        assert self.graph.labels().tolist() == self.alive().tolist()

    @invariant()
    def the_same_neighbours_are_found(self) -> None:
        for k in (1, 5, len(self.truth) + 1):
            labels, cosines = self.graph.search(POOL[:8], k)
            _, expected = self.exact.search(POOL[:8], k)
            np.testing.assert_allclose(cosines, expected, atol=TOLERANCE)
            self.check_cosines(labels, cosines)

    @invariant()
    def the_same_is_found_above_a_cosine(self) -> None:
        labels, cosines = self.graph.search_above(POOL[0], 0.4, k_start=2)
        surely = set(self.exact.search_above(POOL[0], 0.4 + TOLERANCE)[0].tolist())
        perhaps = set(self.exact.search_above(POOL[0], 0.4 - TOLERANCE)[0].tolist())
        assert surely <= set(labels.tolist()) <= perhaps
        assert len(set(labels.tolist())) == len(cosines)

    def check_cosines(self, labels: IntArray, cosines: FloatArray) -> None:
        """Each label once, each with the cosine it has in truth; so ties may stand in any order."""
        for query, row, claimed in zip(POOL, labels, cosines, strict=False):
            assert len(set(row.tolist())) == len(row)
            vectors = self.fetch(row)
            true = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
            np.testing.assert_allclose(claimed, true, atol=TOLERANCE)

    def verified(self) -> str | None:
        return verify_snapshot(self.directory, dim=DIM, model_key="model", catalog_id="catalog")


GraphAgainstExact.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestGraphAgainstExact = GraphAgainstExact.TestCase
