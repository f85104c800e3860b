from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import FloatArray
from dedupctl.vectors import hnsw
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import BATCH, HnswIndex


def unit_rows(seed: int, n: int, dim: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def written_and_loaded(index: HnswIndex, path: Path) -> HnswIndex:
    index.write(path)
    return HnswIndex.load(path, index.dim, index.retired, index.twins)


def recall_at_10(index: HnswIndex, rows: FloatArray, queries: FloatArray) -> float:
    exact = FlatIndex(index.dim)
    exact.add(np.arange(len(rows)), rows)
    _, true = exact.search(queries, 10)
    _, found = index.search(queries, 10)
    return float((found >= true[:, -1:] - 1e-5).mean())


def test_the_index_grows_past_its_first_capacity() -> None:
    rows = unit_rows(1, BATCH + 10, 8)
    index = HnswIndex(8)
    index.add(np.arange(BATCH), rows[:BATCH])
    index.add(np.arange(BATCH, BATCH + 10), rows[BATCH:])
    assert index.search(rows[-1:], 1)[0].tolist() == [[BATCH + 9]]


def test_a_loaded_index_takes_more_vectors_though_hnswlib_loads_it_full(tmp_path: Path) -> None:
    rows = unit_rows(2, 120, 8)
    index = HnswIndex(8)
    index.add(np.arange(100), rows[:100])
    loaded = written_and_loaded(index, tmp_path / "graph")
    loaded.add(np.arange(100, 120), rows[100:])
    assert loaded.search(rows[100:], 1)[0].ravel().tolist() == list(range(100, 120))


def test_a_loaded_index_finds_as_well_as_before_though_hnswlib_forgets_ef(tmp_path: Path) -> None:
    rows, queries = unit_rows(3, 5000, 64), unit_rows(4, 100, 64)
    index = HnswIndex(64)
    index.add(np.arange(len(rows)), rows)
    assert recall_at_10(written_and_loaded(index, tmp_path / "graph"), rows, queries) > 0.93


def test_retired_labels_stay_retired_after_a_reload(tmp_path: Path) -> None:
    rows = unit_rows(5, 100, 8)
    index = HnswIndex(8)
    index.add(np.arange(100), rows)
    index.retire(np.arange(0, 60, 2))
    loaded = written_and_loaded(index, tmp_path / "graph")
    assert loaded.labels().tolist() == index.labels().tolist()
    assert set(loaded.search(rows, 70)[0].ravel().tolist()) == set(index.labels().tolist())


def test_a_retired_label_that_comes_back_brings_only_its_new_vector() -> None:
    rows = unit_rows(6, 12, 8)
    index = HnswIndex(8)
    index.add(np.arange(10), rows[:10])
    index.retire(np.array([4]))
    index.add(np.array([4]), rows[10:11])
    assert index.retired == ()
    assert index.search(rows[10:11], 1)[0].tolist() == [[4]]
    assert index.search(rows[4:5], 1)[0].tolist() != [[4]]
    index.retire(np.array([4]))
    assert 4 not in index.search(rows[10:11], 9)[0]


def test_the_graph_is_built_anew_when_more_than_half_of_it_is_retired(tmp_path: Path) -> None:
    rows = unit_rows(7, 1000, 8)
    index = HnswIndex(8)
    index.add(np.arange(1000), rows)
    full = index.write(tmp_path / "graph")
    index.retire(np.arange(500))
    assert index.write(tmp_path / "graph") == full
    for same in (HnswIndex.load(tmp_path / "graph", 8, index.retired, index.twins), index):
        same.retire(np.array([500]))
        assert same.retired == ()
        assert same.write(tmp_path / "smaller") < 0.55 * full
        assert same.search(rows[501:], 1)[0].ravel().tolist() == list(range(501, 1000))


def test_everything_may_be_retired_and_the_index_goes_on() -> None:
    rows = unit_rows(8, 20, 8)
    index = HnswIndex(8)
    index.add(np.arange(10), rows[:10])
    index.retire(np.arange(10))
    assert len(index) == 0
    assert index.search(rows[:1], 3)[0].shape == (1, 0)
    index.add(np.arange(10, 20), rows[10:])
    assert index.search(rows[10:], 1)[0].ravel().tolist() == list(range(10, 20))


def test_a_k_beyond_what_is_left_costs_no_comparison_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.repeat(unit_rows(17, 15, 8), 2, axis=0)
    index = HnswIndex(8)
    index.add(np.arange(30), rows)
    index.retire(np.arange(9))
    monkeypatch.delattr(HnswIndex, "_compare_all")
    assert np.sort(index.search(rows, 30)[0], axis=1).tolist() == [list(range(9, 30))] * 30


def test_a_search_survives_the_islands_of_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two links a vector; added one by one, so that hnswlib uses one thread and makes the same islands each time.
    monkeypatch.setattr(hnsw, "LINKS", 2)
    burst = unit_rows(9, 1, 16) + 0.05 * unit_rows(10, 300, 16)
    rows = np.random.default_rng(11).permutation(np.vstack([burst, unit_rows(12, 40, 16)]))
    index = HnswIndex(16)
    for label, row in enumerate(rows):
        index.add(np.array([label]), row[np.newaxis])
    index._graph.set_ef(1000)
    with pytest.raises(RuntimeError, match="contiguous 2D array"):
        index._graph.knn_query(rows[:1], k=340)
    labels, cosines = index.search(rows[:3], 340)
    assert (np.sort(labels, axis=1) == np.arange(340)).all()
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(cosines, -np.sort(-(units[:3] @ units.T), axis=1), atol=1e-5)


@pytest.mark.parametrize("batch", [8, 4000])
def test_a_thousand_equal_vectors_do_not_hide_the_others(batch: int) -> None:
    others = unit_rows(13, 3000, 64)
    equal = np.repeat(unit_rows(14, 1, 64), 1000, axis=0)
    labels = np.random.default_rng(15).permutation(4000)
    rows = np.vstack([others, equal])
    index = HnswIndex(64)
    for start in range(0, 4000, batch):
        chosen = labels[start : start + batch]
        index.add(chosen, rows[chosen])
    copies = others[:1000] + 0.7 * unit_rows(16, 1000, 64)
    found = (index.search(copies, 10)[0] == np.arange(1000)[:, np.newaxis]).any(axis=1)
    assert found.mean() > 0.999
    assert sorted(index.search_above(equal[0], 0.99)[0].tolist()) == list(range(3000, 4000))


def test_equal_vectors_are_each_found_retired_and_reloaded_on_their_own(tmp_path: Path) -> None:
    one, other = np.eye(4, dtype=np.float32)[:2]
    index = HnswIndex(4)
    index.add(np.array([1, 2, 3, 9]), np.stack([one, one, one, other]))
    index.add(np.array([4]), one[np.newaxis])
    index.retire(np.array([1, 3]))
    loaded = written_and_loaded(index, tmp_path / "graph")
    for same in (index, loaded):
        assert same.labels().tolist() == [2, 4, 9]
        labels, cosines = same.search(one[np.newaxis], 10)
        assert sorted(labels[0, :2].tolist()) == [2, 4]
        assert labels[0, 2] == 9
        assert cosines.tolist() == [[1.0, 1.0, 0.0]]
        same.retire(np.array([2, 4]))
        assert same.search(one[np.newaxis], 10)[0].tolist() == [[9]]
