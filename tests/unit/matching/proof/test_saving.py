"""Saving done again: what JPEG's rounding leaves."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from scenery import exposed, scene

from dedupctl.domain import FloatArray
from dedupctl.matching.proof.saving import reduced_steps, rounded, saved_like, strength_of

SHOT = ImageOps.grayscale(exposed(scene(1, (480, 360)), 1))
PIXELS = np.asarray(SHOT, np.float32)
ALL = np.ones((15, 20), np.bool_)


def saved(quality: int) -> tuple[FloatArray, tuple[int, ...]]:
    packed = io.BytesIO()
    SHOT.save(packed, "JPEG", quality=quality)
    with Image.open(packed) as again:
        assert isinstance(again, JpegImageFile)
        return np.asarray(again, np.float32), tuple(again.quantization[0])


@pytest.mark.parametrize("quality", [10, 50, 92])
def test_rounding_is_what_a_jpeg_does_to_grey(quality: int) -> None:
    pixels, steps = saved(quality)
    ours = rounded(PIXELS, steps)
    assert np.mean(np.abs(ours - pixels) <= 1) > 0.95
    assert np.abs(PIXELS - pixels).mean() > 2 * np.abs(ours - pixels).mean()


def test_a_picture_that_is_no_multiple_of_eight_keeps_its_size() -> None:
    assert rounded(PIXELS[:61, :83], (8,) * 64).shape == (61, 83)


def test_what_was_softened_is_matched_by_softening() -> None:
    soft = np.asarray(SHOT.filter(ImageFilter.GaussianBlur(1.2)), np.float32)
    again = saved_like(PIXELS, strength_of(soft, ALL), None, ALL)
    assert np.abs(again - soft).mean() < 0.4 * np.abs(PIXELS - soft).mean()


def test_what_is_as_sharp_is_only_rounded() -> None:
    assert np.array_equal(saved_like(PIXELS, strength_of(PIXELS, ALL), None, ALL), PIXELS)


def test_reduction_makes_the_steps_finer() -> None:
    assert reduced_steps((16,) * 64, 4) == (4,) * 64
    assert reduced_steps((2,) * 64, 4) == (1,) * 64
    assert reduced_steps((16,) * 64, 1) == (16,) * 64
    assert reduced_steps(None, 4) is None
