from __future__ import annotations

import numpy as np
import pytest

from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.vector_index import VectorIndex, VectorRefused, top_k

GOOD = np.eye(4, dtype=np.float32)


@pytest.fixture(params=[FlatIndex, HnswIndex])
def index(request: pytest.FixtureRequest) -> VectorIndex:
    made: VectorIndex = request.param(4)
    return made


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 0, 0, 1],
        [np.inf, 0, 0, 1],
        [0, 0, 0, 0],
        [1e-30, 0, 0, 0],
        [1e30, 1e30, 0, 0],
    ],
)
def test_a_vector_without_a_direction_is_refused_and_nothing_of_its_batch_enters(
    index: VectorIndex, row: list[float]
) -> None:
    with pytest.raises(VectorRefused, match="vector 1 of 2"):
        index.add(np.array([1, 2]), np.array([[1, 0, 0, 0], row], np.float32))
    assert len(index) == 0


@pytest.mark.parametrize("shape", [(2, 3), (2, 5), (4,), (2, 4, 1)])
def test_a_vector_of_another_dimension_is_refused(index: VectorIndex, shape: tuple[int, ...]) -> None:
    with pytest.raises(VectorRefused, match="dimension 4"):
        index.add(np.array([1, 2]), np.ones(shape, np.float32))
    with pytest.raises(VectorRefused, match="dimension 4"):
        index.search(np.ones(shape, np.float32), 1)


@pytest.mark.parametrize(("labels", "why"), [([1, 1], "twice"), ([-1, 1], "negative"), ([1], "do not fit")])
def test_labels_that_name_no_one_vector_are_refused(index: VectorIndex, labels: list[int], why: str) -> None:
    with pytest.raises(VectorRefused, match=why):
        index.add(np.array(labels), GOOD[:2])
    assert len(index) == 0


def test_a_label_that_is_already_there_is_refused_and_keeps_its_vector(index: VectorIndex) -> None:
    index.add(np.array([1]), GOOD[:1])
    with pytest.raises(VectorRefused, match="label 1 is already"):
        index.add(np.array([2, 1]), GOOD[2:])
    labels, cosines = index.search(GOOD[:1], 5)
    assert (labels.tolist(), cosines.tolist()) == ([[1]], [[1.0]])


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    labels, cosines = index.search(GOOD, 3)
    assert labels.shape == cosines.shape == (4, 0)
    assert index.search_above(GOOD[0], -1.0)[0].tolist() == []
    assert index.labels().tolist() == []


def test_k_is_cut_to_the_number_of_labels_that_can_be_found(index: VectorIndex) -> None:
    index.add(np.array([5, 3, 4]), GOOD[:3])
    index.retire(np.array([4]))
    labels, cosines = index.search(GOOD[:2], 10)
    assert labels.tolist() == [[5, 3], [3, 5]]
    assert cosines.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_the_cosine_of_equal_vectors_never_leaves_the_range(index: VectorIndex) -> None:
    rows = np.random.default_rng(3).normal(size=(500, 4)).astype(np.float32)
    index.add(np.arange(500), rows)
    _, cosines = index.search(np.vstack([rows, -rows]), 500)
    assert cosines.max() <= 1.0
    assert cosines.min() >= -1.0


def test_the_length_of_a_vector_does_not_count(index: VectorIndex) -> None:
    index.add(np.array([1, 2]), np.array([[1000, 0, 0, 0], [0, 0.001, 0, 0]], np.float32))
    labels, cosines = index.search(np.array([[0, 50, 0, 0]], np.float32), 2)
    assert labels.tolist() == [[2, 1]]
    assert cosines.tolist() == [[1.0, 0.0]]


def test_a_retired_label_is_not_found_and_one_that_was_never_there_may_be_retired(index: VectorIndex) -> None:
    index.add(np.array([1, 2, 3]), GOOD[:3])
    index.retire(np.array([2, 99]))
    index.retire(np.array([2]))
    assert index.labels().tolist() == [1, 3]
    assert index.search(GOOD[1:2], 3)[0].tolist()[0] in ([1, 3], [3, 1])


def test_everything_above_a_cosine_is_found_however_much_it_is(index: VectorIndex) -> None:
    angles = np.linspace(0, np.pi, 181)
    rows = np.zeros((181, 4), np.float32)
    rows[:, 0], rows[:, 1] = np.cos(angles), np.sin(angles)
    index.add(np.arange(181), rows)
    labels, cosines = index.search_above(rows[0], float(np.cos(np.radians(100.5))), k_start=3)
    assert labels.tolist() == list(range(101))
    assert (np.diff(cosines) <= 0).all()


def test_best_of_no_columns_is_none() -> None:
    labels, cosines = top_k(np.array([[7, 8]]), np.array([[0.1, 0.2]], np.float32), 0)
    assert labels.shape == cosines.shape == (1, 0)
