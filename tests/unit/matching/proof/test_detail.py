"""Correlation by windows, and natural detail told from drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageOps
from scenery import document, exposed, saved_again, scene

from dedupctl.domain import FloatArray
from dedupctl.matching.proof.detail import correlate, deviation_of, in_two_tones, is_even, is_natural

RNG = np.random.default_rng(3)


def noise(rows: int, columns: int) -> FloatArray:
    return RNG.normal(100, 20, (rows, columns)).astype(np.float32)


def test_a_window_correlates_with_itself_in_any_light() -> None:
    picture = noise(48, 72)
    found = correlate(picture, 0.5 * picture + 30, 24)
    assert found.ncc.shape == (2, 3)
    assert found.ncc == pytest.approx(1.0, abs=1e-3)
    assert found.deviation_b == pytest.approx(0.5 * found.deviation_a, rel=1e-3)
    assert found.stronger is not found.weaker
    assert (found.weaker <= found.stronger).all()


def test_other_noise_does_not_correlate() -> None:
    assert np.abs(correlate(noise(96, 96), noise(96, 96), 24).ncc).max() < 0.25


def test_the_deviation_is_in_grey_levels() -> None:
    assert deviation_of(noise(96, 96), 24) == pytest.approx(20, rel=0.2)


def natural_share(image: FloatArray) -> float:
    windows = np.ones((image.shape[0] // 24, image.shape[1] // 24), np.bool_)
    return float(np.mean(is_natural(image, 24, windows)))


def test_a_photo_is_natural_and_a_page_is_drawn() -> None:
    photo = np.asarray(ImageOps.grayscale(exposed(scene(1, (720, 480)), 1)), np.float32)
    page = np.asarray(ImageOps.grayscale(saved_again(document(1, (720, 960)), 80)), np.float32)
    assert natural_share(photo) > 0.6
    assert natural_share(page) < 0.05


def test_only_windows_that_were_asked_for_are_judged() -> None:
    photo = np.asarray(ImageOps.grayscale(exposed(scene(1, (720, 480)), 1)), np.float32)
    asked = np.zeros((20, 30), np.bool_)
    assert not is_natural(photo, 24, asked).any()
    asked[3, 4] = True
    assert np.count_nonzero(is_natural(photo, 24, asked)) <= 1


def test_two_tones_are_counted_with_what_lies_near() -> None:
    assert in_two_tones(np.array([10.0, 12, 200, 205], np.float32)) == 1.0
    assert in_two_tones(np.arange(0, 255, 5, dtype=np.float32)) < 0.2


def test_paint_is_even_and_grain_is_not() -> None:
    assert is_even(np.full((20, 20), 90, np.float32)).all()
    assert is_even(noise(40, 40)).mean() < 0.01
