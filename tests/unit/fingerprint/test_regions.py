from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from dedupctl.fingerprint.regions import MIDDLE_SHARE, Box, middle, regions_of


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Soft blobs and fine grain of all sizes, without a straight line."""
    rng = np.random.default_rng(seed)
    layers = [
        Image.fromarray(rng.integers(0, 256, (rows, rows, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for rows in (4, 9, 30, 90)
    ]
    image = layers[0]
    for weight, layer in zip((0.5, 0.35, 0.3), layers[1:], strict=True):
        image = Image.blend(image, layer, weight)
    return image


def inner_pictures(image: Image.Image) -> list[Box]:
    return [box for box in regions_of(image) if box != middle(*image.size)]


def covers(found: list[Box], wanted: Box) -> bool:
    """One of the boxes is the wanted one, within 4 pixels a side."""
    return any(max(abs(a - b) for a, b in zip(box, wanted, strict=True)) <= 4 for box in found)


def test_the_middle_of_every_picture_is_a_region() -> None:
    left, upper, right, lower = regions_of(photo(0))[0]
    assert ((left + right) / 2, (upper + lower) / 2) == (160, 120)
    assert (right - left, lower - upper) == (320 * MIDDLE_SHARE, 240 * MIDDLE_SHARE)


def test_a_middle_without_detail_is_not_a_region() -> None:
    page = Image.new("RGB", (240, 320), "white")
    ImageDraw.Draw(page).text((20, 20), "a title and nothing else", fill="black")
    assert regions_of(page) == []


@pytest.mark.parametrize("size", [(1, 1), (31, 320), (320, 20)])
def test_a_sliver_has_no_regions(size: tuple[int, int]) -> None:
    assert regions_of(photo(0, size)) == []


@pytest.mark.parametrize("seed", range(12))
def test_an_ordinary_photo_has_no_inner_picture(seed: int) -> None:
    assert inner_pictures(photo(seed)) == []


@pytest.mark.parametrize("ground", ["white", "black", (24, 60, 120)])
def test_the_picture_in_a_screenshot_is_found(ground: str | tuple[int, int, int]) -> None:
    screen = Image.new("RGB", (160, 320), ground)
    draw = ImageDraw.Draw(screen)
    for top in (8, 30, 190, 205, 220):
        draw.text((8, top), "some words of an application", fill="grey")
    screen.paste(photo(1, (160, 120)), (0, 56))
    assert covers(inner_pictures(screen), (0, 56, 160, 176))


def test_a_border_is_trimmed() -> None:
    framed = Image.new("RGB", (320, 260), "white")
    framed.paste(photo(2, (280, 210)), (20, 25))
    assert covers(inner_pictures(framed), (20, 25, 300, 235))


def test_padding_above_and_below_is_trimmed_though_the_photo_has_its_grey() -> None:
    padded = Image.new("RGB", (200, 320), (128, 128, 128))
    padded.paste(photo(3, (200, 150)), (0, 85))
    assert covers(inner_pictures(padded), (0, 85, 200, 235))


def test_a_picture_pasted_on_a_photo_is_found() -> None:
    collage = photo(4).filter(ImageFilter.GaussianBlur(1))
    collage.paste(photo(5, (150, 110)).point(lambda level: level // 2), (120, 60))
    assert covers(inner_pictures(collage), (120, 60, 270, 170))


def test_the_middle_of_a_turned_picture_on_its_ground_is_found() -> None:
    turned = photo(6).rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor="black")
    (box,) = inner_pictures(turned)
    left, upper, right, lower = box
    assert left > 0.05 * turned.width
    assert right < 0.95 * turned.width
    assert upper > 0.05 * turned.height
    assert lower < 0.95 * turned.height


def test_an_object_on_a_white_table_is_no_inner_picture() -> None:
    table = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(table).ellipse((90, 40, 230, 200), fill=(120, 60, 30))
    assert inner_pictures(table) == []


def test_an_empty_frame_is_no_inner_picture() -> None:
    frame = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(frame).rectangle((40, 40, 280, 200), fill=(90, 90, 90))
    assert inner_pictures(frame) == []


@pytest.mark.parametrize("size", [(320, 240), (8, 8), (320, 20), (31, 320)])
def test_one_colour_of_any_size_has_no_parts(size: tuple[int, int]) -> None:
    assert inner_pictures(Image.new("RGB", size, "teal")) == []


def test_the_middle_band_between_two_grounds_is_found() -> None:
    story = Image.new("RGB", (180, 320), "black")
    story.paste(photo(7, (180, 120)), (0, 100))
    assert covers(inner_pictures(story), (0, 100, 180, 220))


@pytest.mark.parametrize("seed", range(6))
def test_every_box_lies_in_the_picture_and_there_are_two_at_most(seed: int) -> None:
    place = np.random.default_rng(seed)
    left, upper = (int(corner) for corner in place.integers(0, 120, 2))
    collage = photo(seed + 20) if seed % 2 else Image.new("RGB", (320, 240), "white")
    collage.paste(photo(seed + 40, (150, 110)).point(lambda level: level // 2), (left, upper))
    found = inner_pictures(collage)
    assert len(found) <= 2
    assert all(0 <= box[0] < box[2] <= 320 and 0 <= box[1] < box[3] <= 240 for box in found)


def test_a_small_sticker_or_a_picture_that_is_nearly_all_is_not_worth_a_vector() -> None:
    for size, corner in (((50, 40), (200, 30)), ((312, 234), (4, 3))):
        framed = Image.new("RGB", (320, 240), "white")
        framed.paste(photo(8, size), corner)
        assert inner_pictures(framed) == []
