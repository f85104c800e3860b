from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from dedupctl.report.projection import project


def themes(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around ten themes, as libraries have them."""
    choose = np.random.default_rng(seed)
    vectors = choose.normal(size=(10, 16))[choose.integers(0, 10, count)] + 0.4 * choose.normal(size=(count, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_what_looks_alike_lies_together() -> None:
    vectors = themes(300)
    places = project(range(300), vectors, {})
    assert trustworthiness(vectors, places, n_neighbors=10) > 0.93


def test_nothing_moves_when_nothing_is_new() -> None:
    known = {5: (1.0, 2.0), 6: (3.0, 4.0)}
    assert project([6, 5], themes(2), known).tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_old_points_move_little_and_new_ones_come_among_their_like() -> None:
    vectors = themes(400)
    before = project(range(300), vectors[:300], {})
    known = {content_id: (float(x), float(y)) for content_id, (x, y) in enumerate(before)}
    after = project(range(400), vectors, known)
    width = np.ptp(before, axis=0).max()
    moved = np.linalg.norm(after[:300] - before, axis=1)
    assert np.median(moved) < 0.05 * width
    assert trustworthiness(vectors, after, n_neighbors=10) > 0.93


def test_a_library_that_is_mostly_new_is_laid_out_anew() -> None:
    vectors = themes(300)
    known = dict.fromkeys(range(120), (1000000.0, 1000000.0))
    assert np.abs(project(range(300), vectors, known)).max() < 1e5


@pytest.mark.parametrize("count", [0, 1, 2, 7, 9, 30])
def test_few_pictures_have_a_map_too(count: int) -> None:
    places = project(range(count), themes(count), {})
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_equal_pictures_have_a_map_too() -> None:
    places = project(range(50), np.ones((50, 16), np.float32) / 4, {})
    assert np.isfinite(places).all()
    assert len(np.unique(places.round(6), axis=0)) == 50


def test_progress_reaches_its_end() -> None:
    told: list[tuple[int, int]] = []
    project(range(60), themes(60), {}, lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
