from __future__ import annotations

import numpy as np
import pytest
from scenery import scene, seen

from dedupctl.domain import FloatArray
from dedupctl.matching.proof.windows import WINDOW, compare_detail, detail_of, largest_region, softened


def grain(seed: int, shape: tuple[int, int] = (48, 60)) -> FloatArray:
    return np.random.default_rng(seed).normal(128, 20, shape).astype(np.float32)


def by_definition(a: FloatArray, b: FloatArray, window: int) -> FloatArray:
    """Mean product of windows from which the means of all rows and columns were taken, one window at a time."""
    rows, columns = a.shape[0] // window, a.shape[1] // window
    result = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            tiles = [
                picture[row * window : (row + 1) * window, column * window : (column + 1) * window].astype(np.float64)
                for picture in (a, b)
            ]
            one, other = (
                tile - tile.mean(axis=0) - tile.mean(axis=1)[:, None] + tile.mean() for tile in tiles
            )  # fmt: skip
            result[row, column] = (one * other).mean()
    return result


@pytest.mark.parametrize("window", [8, 12])
def test_detail_is_what_its_definition_says(window: int) -> None:
    a, b = grain(1), 0.5 * grain(1) + grain(2)
    detail = compare_detail(a, b, window)
    np.testing.assert_allclose(detail.aa, by_definition(a, a, window), rtol=1e-3)
    np.testing.assert_allclose(detail.bb, by_definition(b, b, window), rtol=1e-3)
    np.testing.assert_allclose(detail.ab, by_definition(a, b, window), atol=0.3)
    np.testing.assert_allclose(detail_of(a, window) ** 2, by_definition(a, a, window), rtol=1e-3)


def test_windows_that_stick_out_are_left() -> None:
    detail = compare_detail(grain(1, (49, 70)), grain(2, (49, 70)), WINDOW)
    assert detail.aa.shape == detail.mean_b.shape == (4, 5)


def test_the_means_are_those_of_the_windows() -> None:
    stepped = np.repeat(np.repeat(np.array([[10, 200], [90, 30]], np.float32), WINDOW, 0), WINDOW, 1)
    detail = compare_detail(stepped, 255 - stepped, WINDOW)
    np.testing.assert_allclose(detail.mean_a, [[10, 200], [90, 30]], atol=0.01)
    np.testing.assert_allclose(detail.mean_b, [[245, 55], [165, 225]], atol=0.01)


def test_rows_columns_and_soft_gradients_are_no_detail() -> None:
    across, down = np.meshgrid(np.arange(60), np.arange(48))
    striped = 128 + 60 * np.sin(across / 2) + 40 * np.sign(np.sin(down / 3)) + across + 2 * down
    assert detail_of(striped.astype(np.float32), WINDOW).max() < 0.1
    assert detail_of(grain(1), WINDOW).min() > 10


def test_detail_is_blind_to_brightness() -> None:
    a = grain(1)
    np.testing.assert_allclose(detail_of(a + 70, WINDOW), detail_of(a, WINDOW), rtol=1e-3)


def test_a_coarser_picture_is_blurred_more() -> None:
    gray = seen(scene(1)).gray
    once, twice = (detail_of(softened(gray, enlarged), WINDOW).mean() for enlarged in (1.0, 2.0))
    assert twice < 0.8 * once


def test_the_largest_region_is_connected_by_sides() -> None:
    marked = np.array(
        [
            [1, 1, 0, 0, 1],
            [0, 1, 0, 0, 1],
            [0, 0, 1, 0, 1],
            [0, 0, 0, 0, 1],
        ],
        np.bool_,
    )
    assert np.argwhere(largest_region(marked)).tolist() == [[0, 4], [1, 4], [2, 4], [3, 4]]


def test_nothing_marked_has_no_region() -> None:
    assert not largest_region(np.zeros((4, 5), np.bool_)).any()
