"""What is measured of two pictures once one lies on the other."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance
from scenery import part, saved_again, scene, seen, sky

from dedupctl.matching.proof.agreement import Agreement, measure, overlay
from dedupctl.matching.proof.geometry import Matrix

AS_IT_IS = np.eye(3)
SIZE = (320, 240)
"""Scenes of the working size, so that matrices are in pixels of the pictures."""


def found(a: Image.Image, b: Image.Image, matrix: Matrix = AS_IT_IS) -> Agreement:
    agreement = measure(overlay(seen(a), seen(b), matrix))
    assert agreement is not None
    return agreement


def painted(box: tuple[int, int, int, int], seed: int = 2) -> Image.Image:
    """Scene 1, in this box of it another one."""
    image = scene(1, SIZE).copy()
    image.paste(scene(seed, SIZE).crop(box), box[:2])
    return image


def test_a_picture_agrees_with_itself_all_over() -> None:
    same = found(scene(1, SIZE), scene(1, SIZE))
    assert (same.agreement, same.elsewhere, same.replaced, same.bar) == (1, 1, 0, False)
    assert same.low_ncc > 0.99
    assert same.shading == pytest.approx(1)
    assert (same.overlap_a, same.overlap_b, same.covered_a, same.covered_b) == (1, 1, 1, 1)
    assert same.windows > 200


def test_two_scenes_agree_nowhere() -> None:
    other = found(scene(1, SIZE), scene(2, SIZE))
    assert other.agreement < 0.1
    assert other.replaced > 0.5


def test_jpeg_costs_little_and_a_slip_of_two_pixels_much() -> None:
    image = scene(1, SIZE)
    slipped = np.array([[1, 0, 2], [0, 1, 1], [0, 0, 1.0]])
    assert found(image, saved_again(image, 15)).agreement > 0.9
    assert found(image, image, slipped).agreement < 0.5


def test_what_was_painted_over_is_one_region_and_the_rest_agrees() -> None:
    blot = found(scene(1, SIZE), painted((180, 60, 276, 156)))
    assert 0.08 < blot.replaced < 0.16
    assert not blot.bar
    assert blot.elsewhere > 0.95
    assert blot.agreement < blot.elsewhere


def test_a_plain_blot_is_found_by_its_brightness() -> None:
    image = scene(1, SIZE).copy()
    ImageDraw.Draw(image).rectangle((96, 60, 191, 143), fill="white")
    blot = found(scene(1, SIZE), image)
    assert 0.07 < blot.replaced < 0.16


@pytest.mark.parametrize("box", [(0, 180, 320, 240), (0, 0, 84, 240)])
def test_a_region_from_side_to_side_is_a_bar(box: tuple[int, int, int, int]) -> None:
    bar = found(scene(1, SIZE), painted(box))
    assert bar.bar
    assert 0.15 < bar.replaced < 0.35


def test_windows_count_as_textured_if_either_picture_has_detail() -> None:
    plain = Image.new("RGB", SIZE, "grey")
    assert found(scene(1, SIZE), plain).windows == pytest.approx(found(plain, scene(1, SIZE)).windows)
    assert found(scene(1, SIZE), plain).agreement == 0


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
def test_brightness_is_told_from_a_to_b(factor: float) -> None:
    image = ImageEnhance.Contrast(Image.eval(scene(1, SIZE), lambda level: 20 + level // 2)).enhance(0.8)
    lit = found(image, ImageEnhance.Brightness(image).enhance(factor))
    assert lit.gain == pytest.approx(factor, rel=0.1)
    assert lit.gain * 128 + lit.offset == pytest.approx(128 * factor, rel=0.1)
    assert lit.shading > 0.95
    assert lit.agreement > 0.9


def test_a_negative_has_light_and_shade_the_other_way_round() -> None:
    image = scene(1, SIZE)
    assert found(image, Image.eval(image, lambda level: 255 - level)).shading < 0


CUT = (80, 40, 240, 160)
"""Box of a crop of half the width and half the height."""
INTO_CROP = np.array([[2, 0, -160 + 0.5], [0, 2, -80 + 0.5], [0, 0, 1.0]])
"""From the working pixels of the whole picture to those of the crop, which is enlarged twice."""


def test_a_crop_covers_its_share_of_the_whole_and_all_of_itself() -> None:
    whole = scene(1, SIZE)
    crop = found(whole, whole.crop(CUT), INTO_CROP)
    assert crop.overlap_a == pytest.approx(0.25, abs=0.03)
    assert crop.covered_a == pytest.approx(0.25, abs=0.1)
    assert (crop.overlap_b, crop.covered_b) == (1, 1)
    assert crop.agreement > 0.95


def test_the_two_may_be_told_in_either_order() -> None:
    whole = scene(1, SIZE)
    one, other = found(whole, whole.crop(CUT), INTO_CROP), found(whole.crop(CUT), whole, np.linalg.inv(INTO_CROP))
    assert (one.overlap_a, one.overlap_b) == (other.overlap_b, other.overlap_a)
    assert (one.covered_a, one.covered_b) == (other.covered_b, other.covered_a)
    assert (one.windows, one.agreement, one.replaced) == (other.windows, other.agreement, other.replaced)
    assert one.gain == pytest.approx(1 / other.gain, rel=0.02)


def test_the_larger_scale_is_moved_into_the_frame_of_the_smaller() -> None:
    whole = seen(scene(1, SIZE))
    crop = seen(scene(1, SIZE).crop(CUT))
    down, up = overlay(crop, whole, np.linalg.inv(INTO_CROP)), overlay(whole, crop, INTO_CROP)
    assert (down.a_moves, up.a_moves) == (True, False)
    assert down.scale == pytest.approx(0.5)
    assert up.scale == pytest.approx(0.5)
    np.testing.assert_array_equal(down.moved, up.moved)
    assert down.enlarged == pytest.approx(1)


def test_the_mask_is_where_both_have_pixels() -> None:
    laid = overlay(seen(scene(1, SIZE).crop(CUT)), seen(scene(1, SIZE)), np.linalg.inv(INTO_CROP))
    rows, columns = np.nonzero(laid.mask())
    assert (columns.min(), columns.max()) == pytest.approx((CUT[0], CUT[2] - 1), abs=4)
    assert (rows.min(), rows.max()) == pytest.approx((CUT[1], CUT[3] - 1), abs=4)


def test_plain_ground_does_not_count_as_detail_that_is_missing() -> None:
    framed = Image.new("RGB", SIZE, "white")
    framed.paste(scene(1, SIZE).resize((160, 120)), (80, 60))
    small = np.array([[0.5, 0, 79.75], [0, 0.5, 59.75], [0, 0, 1.0]])
    frame = found(scene(1, SIZE), framed, small)
    assert frame.overlap_b == pytest.approx(0.25, abs=0.04)
    assert frame.covered_b > 0.85
    assert (frame.overlap_a, frame.covered_a) == (1, 1)


@pytest.mark.parametrize(
    ("a", "b", "matrix"),
    [
        (sky(1, SIZE), sky(2, SIZE), AS_IT_IS),
        (Image.new("RGB", SIZE, "red"), Image.new("RGB", SIZE, "red"), AS_IT_IS),
        (scene(1, SIZE), scene(1, SIZE), np.array([[1, 0, 310], [0, 1, 230], [0, 0, 1.0]])),
        (scene(1, SIZE), scene(1, SIZE), np.array([[1, 0, 900], [0, 1, 0], [0, 0, 1.0]])),
        (part(scene(1, SIZE), 0, 0, 1, 0.1), scene(1, SIZE), np.array([[0.1, 0, 9], [0, 0.1, 9], [0, 0, 1.0]])),
    ],
    ids=["two skies", "one colour", "only a corner shared", "nothing shared", "shrunk to a dot"],
)
def test_too_little_detail_says_nothing(a: Image.Image, b: Image.Image, matrix: Matrix) -> None:
    assert measure(overlay(seen(a), seen(b), matrix)) is None
