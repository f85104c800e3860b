"""Two pictures brought into one frame and one tone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scenery import exposed, part, scene, viewed

from dedupctl.matching.proof.frame import Shared, cut, shared_frame, toned

SIZE = (900, 675)
SHOT = exposed(scene(1, SIZE), 1)


def scaling(factor: float) -> np.ndarray:
    return np.diag([factor, factor, 1.0])


def apart(frame: Shared) -> float:
    """Mean difference in grey levels where both have pixels."""
    return float(np.abs(frame.a - frame.b)[frame.inside > 0].mean())


def test_the_frame_is_that_of_the_smaller_one() -> None:
    half = SHOT.resize((450, 337), Image.Resampling.LANCZOS)
    frame = shared_frame(viewed(SHOT), viewed(half), scaling(0.5))
    assert frame.a.shape == frame.b.shape == (337, 450)
    assert (frame.reduction_a, frame.reduction_b) == (pytest.approx(2, rel=0.01), 1)
    other_way = shared_frame(viewed(half), viewed(SHOT), scaling(2))
    assert (other_way.reduction_a, other_way.reduction_b) == (1, pytest.approx(2, rel=0.01))
    assert other_way.a.shape == (337, 450)


def test_a_guess_that_is_two_pixels_off_is_mended() -> None:
    crop = part(SHOT, 0.1, 0.1, 0.9, 0.9)
    off = np.array([[1, 0, -92.0], [0, 1, -65.5], [0, 0, 1.0]])
    assert apart(shared_frame(viewed(SHOT), viewed(crop), off)) < 4


def test_what_lies_on_the_pixel_is_not_moved() -> None:
    darker = ImageEnhance.Brightness(SHOT).enhance(0.6)
    frame = shared_frame(viewed(SHOT), viewed(darker), scaling(1))
    assert np.array_equal(frame.a, np.asarray(ImageOps.grayscale(SHOT), np.float32))


def test_only_what_both_show_counts() -> None:
    right = part(SHOT, 0.5, 0, 1, 1)
    shifted = np.array([[1, 0, -450.0], [0, 1, 0], [0, 0, 1.0]])
    frame = shared_frame(viewed(SHOT), viewed(right), shifted)
    assert frame.windows.all(axis=None) or frame.windows.mean() > 0.9
    alone = shared_frame(viewed(part(SHOT, 0, 0, 0.5, 1)), viewed(SHOT), scaling(1))
    assert alone.windows[:, alone.windows.shape[1] // 2 + 2 :].sum() == 0


def test_one_tone_takes_any_curve_out() -> None:
    source = np.asarray(ImageOps.grayscale(SHOT), np.float32)
    target = (255 * (source / 255) ** 0.6).astype(np.float32)
    everywhere = np.full(source.shape, 255, np.uint8)
    assert np.abs(toned(source, target, everywhere) - target).mean() < 1.5


def test_a_picture_of_one_tone_stays_as_it_is() -> None:
    plain = np.full((60, 60), 90, np.float32)
    assert np.array_equal(toned(plain, plain + 9, np.full((60, 60), 255, np.uint8)), plain)


def test_windows_are_cut_row_by_row_and_the_rest_is_left() -> None:
    picture = np.arange(7 * 9, dtype=np.float32).reshape(7, 9)
    assert cut(picture, 3).shape == (2, 3, 3, 3)
    assert cut(picture, 3)[0, 1, 0].tolist() == [3, 4, 5]
