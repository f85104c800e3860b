from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.reconcile import BATCH, OpenedIndex, open_index, reconcile
from dedupctl.vectors.snapshot import save
from dedupctl.vectors.vector_index import VectorRefused

DIM = 16


class Catalog:
    """Vectors by label, and how many were asked for at once."""

    def __init__(self) -> None:
        self.series = 0
        self.asked: list[int] = []

    def fetch(self, labels: IntArray) -> FloatArray:
        self.asked.append(len(labels))
        rows = [np.random.default_rng([self.series, int(label)]).normal(size=DIM) for label in labels]
        return np.array(rows, np.float32).reshape(-1, DIM)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def opened(directory: Path, alive: IntArray, catalog: Catalog, *, catalog_id: str = "catalog") -> OpenedIndex:
    return open_index(directory, dim=DIM, model_key="model", catalog_id=catalog_id, alive=alive, fetch=catalog.fetch)


def saved(directory: Path, labels: IntArray, catalog: Catalog) -> None:
    index = HnswIndex(DIM)
    index.add(labels, catalog.fetch(labels))
    save(index, directory, model_key="model", catalog_id="catalog")


def finds_exactly(index: HnswIndex, alive: IntArray, catalog: Catalog) -> bool:
    own = index.search(catalog.fetch(alive), 1)[0].ravel() if len(alive) else np.empty(0)
    return bool((index.labels() == alive).all() and (own == alive).all())


def test_the_first_open_builds_from_the_vectors_alone(tmp_path: Path, catalog: Catalog) -> None:
    alive = np.arange(1, 101)
    result = opened(tmp_path, alive, catalog)
    assert (result.rebuilt_because, result.added, result.retired) == ("there is no snapshot", 100, 0)
    assert finds_exactly(result.index, alive, catalog)
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_agrees_is_taken_as_it_is(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    catalog.asked.clear()
    result = opened(tmp_path, np.arange(100), catalog)
    assert (result.rebuilt_because, result.added, result.retired) == (None, 0, 0)
    assert sum(catalog.asked) <= 64


def test_a_snapshot_that_is_late_is_brought_up_to_the_catalog(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    alive = np.concatenate([np.arange(0, 90, 2), np.arange(150, 200)])
    result = opened(tmp_path, alive, catalog)
    assert (result.rebuilt_because, result.added, result.retired) == (None, 50, 55)
    assert finds_exactly(result.index, alive, catalog)


def test_a_snapshot_that_is_ahead_of_the_catalog_is_brought_back(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    result = opened(tmp_path, np.arange(80), catalog)
    assert (result.rebuilt_because, result.added, result.retired) == (None, 0, 20)
    assert finds_exactly(result.index, np.arange(80), catalog)


def test_an_empty_catalog_empties_the_index(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(10), catalog)
    result = opened(tmp_path, np.empty(0, np.int64), catalog)
    assert (result.rebuilt_because, len(result.index)) == (None, 0)


def test_a_snapshot_of_another_catalog_is_built_anew(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    catalog.series = 1
    result = opened(tmp_path, np.arange(100), catalog, catalog_id="other")
    assert result.rebuilt_because == "its catalog is catalog, not other"
    assert finds_exactly(result.index, np.arange(100), catalog)


def test_a_damaged_snapshot_is_built_anew(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    (graph,) = tmp_path.glob("graph-*")
    whole = bytearray(graph.read_bytes())
    whole[len(whole) // 2] ^= 255
    graph.write_bytes(whole)
    result = opened(tmp_path, np.arange(100), catalog)
    assert str(result.rebuilt_because).endswith("its digest differs from the manifest's")
    assert finds_exactly(result.index, np.arange(100), catalog)


def test_labels_given_twice_by_an_older_catalog_are_noticed(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)

    class PutBack(Catalog):
        """The catalog of the time when it had labels up to 94; the next label went to another picture."""

        def fetch(self, labels: IntArray) -> FloatArray:
            self.series = 0
            rows = super().fetch(labels)
            self.series = 1
            rows[labels >= 95] = super().fetch(labels[labels >= 95])
            return rows

    older = PutBack()
    result = opened(tmp_path, np.arange(96), older)
    assert result.rebuilt_because == "label 95 has another vector in the catalog: an older catalog was put back"
    assert finds_exactly(result.index, np.arange(96), older)


def test_a_retired_label_that_is_alive_again_brings_the_catalogs_vector(tmp_path: Path, catalog: Catalog) -> None:
    index = HnswIndex(DIM)
    index.add(np.arange(100), catalog.fetch(np.arange(100)))
    index.retire(np.array([99]))
    save(index, tmp_path, model_key="model", catalog_id="catalog")
    result = opened(tmp_path, np.arange(100), catalog)
    assert (result.rebuilt_because, result.added) == (None, 1)
    assert finds_exactly(result.index, np.arange(100), catalog)


def test_vectors_kept_at_half_precision_are_the_same_vectors(tmp_path: Path, catalog: Catalog) -> None:
    saved(tmp_path, np.arange(100), catalog)
    result = open_index(
        tmp_path,
        dim=DIM,
        model_key="model",
        catalog_id="catalog",
        alive=np.arange(100),
        fetch=lambda labels: catalog.fetch(labels).astype(np.float16).astype(np.float32),
    )
    assert result.rebuilt_because is None


def test_vectors_are_fetched_in_batches_so_that_memory_stays_bounded(catalog: Catalog) -> None:
    assert reconcile(FlatIndex(DIM), np.arange(2 * BATCH + 5), catalog.fetch) == (2 * BATCH + 5, 0)
    assert catalog.asked == [BATCH, BATCH, 5]


def test_a_vector_that_no_index_may_hold_stops_the_open_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(VectorRefused, match="vector 0 of 3 has no direction"):
        open_index(
            tmp_path,
            dim=DIM,
            model_key="model",
            catalog_id="catalog",
            alive=np.arange(3),
            fetch=lambda labels: np.zeros((len(labels), DIM), np.float32),
        )
