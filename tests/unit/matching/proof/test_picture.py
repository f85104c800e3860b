from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from scenery import jpeg, saved_again, scene, seen

from dedupctl.matching.proof.picture import WORKING_SIDE, Picture
from dedupctl.matching.proof.windows import WINDOW


@pytest.mark.parametrize(
    ("size", "expected", "enlarged"),
    [
        ((1200, 800), (WORKING_SIDE, WORKING_SIDE * 2 // 3), 1.0),
        ((300, 600), (WORKING_SIDE // 2, WORKING_SIDE), 1.0),
        ((160, 80), (WORKING_SIDE, WORKING_SIDE // 2), WORKING_SIDE / 160),
        ((2000, 10), (WORKING_SIDE, 16), 1.0),
    ],
)
def test_every_picture_is_brought_to_one_size(
    size: tuple[int, int], expected: tuple[int, int], enlarged: float
) -> None:
    picture = Picture(np.zeros(size[::-1], np.uint8), 9000, 6000)
    assert (picture.width, picture.height) == expected
    assert picture.enlarged == enlarged
    assert (picture.full_width, picture.full_height) == (9000, 6000)


def test_a_thumbnail_is_read_as_grey() -> None:
    picture = Picture.from_thumbnail(jpeg(Image.new("RGB", (WORKING_SIDE, 200), (255, 0, 0))), 3200, 2000)
    assert picture.gray.shape == (200, WORKING_SIDE)
    assert picture.gray.mean() == pytest.approx(76, abs=2)


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        Picture.from_thumbnail(b"no picture", 1, 1)


@pytest.mark.parametrize("kind", ["orb", "sift"])
def test_mirrored_features_are_those_of_the_mirrored_picture(kind: str) -> None:
    """Matched with the mirror image, they lie where the mirror puts them."""
    image = scene(1)
    one, other = seen(image), seen(ImageOps.mirror(image))
    mirrored, straight = getattr(one, f"{kind}_mirrored"), getattr(other, kind)
    norm = cv2.NORM_HAMMING if kind == "orb" else cv2.NORM_L2
    matches = cv2.BFMatcher(norm, crossCheck=True).match(mirrored.descriptors, straight.descriptors)
    found = [mirrored.points[match.queryIdx] for match in matches]
    wanted = [(one.width - 1 - x, y) for x, y in (straight.points[match.trainIdx] for match in matches)]
    apart = np.linalg.norm(np.array(found) - np.array(wanted), axis=1)
    assert len(matches) > 100
    assert np.mean(apart < 2) > 0.8


def test_one_colour_has_no_features_no_detail_and_no_shape() -> None:
    plain = Picture(np.full((240, 320), 77, np.uint8), 320, 240)
    assert len(plain.orb.points) == len(plain.orb_mirrored.points) == len(plain.sift.points) == 0
    assert len(plain.sift_mirrored.descriptors) == 0
    assert plain.detail.max() == pytest.approx(0, abs=1e-3)
    assert not plain.thumb32.any()


def test_the_tiny_picture_has_mean_zero_and_length_one() -> None:
    tiny = seen(scene(1)).thumb32
    assert tiny.mean() == pytest.approx(0, abs=1e-5)
    assert np.linalg.norm(tiny) == pytest.approx(1, abs=1e-5)


def test_each_window_of_detail_has_its_middle() -> None:
    picture = Picture(np.zeros((240, 320), np.uint8), 320, 240)
    assert picture.detail.shape == (240 // WINDOW, 320 // WINDOW)
    assert len(picture.window_middles) == picture.detail.size
    assert picture.window_middles[0].tolist() == [(WINDOW - 1) / 2] * 2
    assert picture.window_middles[1].tolist() == [WINDOW + (WINDOW - 1) / 2, (WINDOW - 1) / 2]


def test_detail_lies_where_something_is() -> None:
    gray = np.full((240, 320), 128, np.uint8)
    gray[:, 160:] = seen(scene(1)).gray[:, 160:]
    detail = Picture(gray, 320, 240).detail
    columns = detail.shape[1]
    assert detail[:, : columns // 2 - 1].max() < 1
    assert np.median(detail[:, columns // 2 + 1 :]) > 3


def test_only_rounding_apart_looks_identical() -> None:
    image = scene(1)
    assert seen(image).looks_identical(seen(image.copy()))
    assert not seen(image).looks_identical(seen(saved_again(image, 10)))
    assert not seen(image).looks_identical(seen(ImageOps.mirror(image)))
    assert not seen(image).looks_identical(seen(image.resize((400, 400))))
