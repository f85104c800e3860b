from __future__ import annotations

import imagehash
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from dedupctl.fingerprint.decode import TURNS
from dedupctl.fingerprint.perceptual import (
    FLAT_RANGE,
    is_flat,
    low_coefficients,
    orientations,
    other_hash,
    phash8,
    reduced,
)


def library_phash(image: Image.Image) -> bytes:
    return np.packbits(imagehash.phash(image).hash).tobytes()


@st.composite
def pictures(draw, side: int | None = None) -> Image.Image:
    """Noise, blocks and flat areas of any size, or squares of `side`."""
    width = side or draw(st.integers(8, 90))
    height = side or draw(st.integers(8, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cells = draw(st.integers(1, 16))
    grid = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    image = Image.fromarray(grid).resize((width, height), draw(st.sampled_from([0, 2, 3])))
    return image if draw(st.booleans()) else image.convert("L").convert("RGB")


@settings(max_examples=200, deadline=None)
@given(pictures())
def test_the_phash_is_the_librarys_bit_for_bit(image):
    assert phash8(low_coefficients(reduced(image)))[:8] == library_phash(image)


@settings(max_examples=200, deadline=None)
@given(pictures(side=32))
def test_all_eight_orientations_are_those_of_the_turned_pixels(image):
    grey = image.convert("L")
    coefficients = low_coefficients(reduced(grey))
    variants = orientations(coefficients).reshape(8, 64)
    gaps = np.abs(variants - np.median(variants, axis=1, keepdims=True))
    assume((gaps > 1e-6).all())  # a coefficient equal to the median falls to either side by rounding
    turned = [grey, *(grey.transpose(TURNS[orientation]) for orientation in range(2, 9))]
    assert phash8(coefficients) == b"".join(library_phash(one) for one in turned)


def test_turned_photos_meet_in_some_orientation(scene):
    """Not only 32 x 32 squares: the resampling before the transform may move a bit or two."""
    image = scene(3, (300, 200))
    known = library_phash(image)
    for turn in TURNS.values():
        variants = phash8(low_coefficients(reduced(image.transpose(turn))))
        distances = [
            (int.from_bytes(variants[place : place + 8], "big") ^ int.from_bytes(known, "big")).bit_count()
            for place in range(0, 64, 8)
        ]
        assert min(distances) <= 2


@pytest.mark.parametrize("colour", ["white", "black", "#3377aa"])
def test_a_single_colour_is_flat(colour):
    image = Image.new("RGB", (200, 150), colour)
    assert is_flat(image, reduced(image))


def test_a_blank_page_with_noise_is_flat():
    noise = np.random.default_rng(1).normal(235, 5, (230, 320, 1)).clip(0, 255)
    page = Image.fromarray(np.repeat(noise, 3, axis=2).astype(np.uint8))
    assert is_flat(page, reduced(page))


def test_one_word_on_a_page_is_not_flat():
    page = Image.new("RGB", (230, 320), "white")
    ImageDraw.Draw(page).text((20, 20), "Invoice", fill="black")
    assert not is_flat(page, reduced(page))


def test_colours_of_one_brightness_are_not_flat():
    image = Image.new("RGB", (200, 200), (180, 60, 60))
    image.paste((20, 133, 97), (0, 0, 100, 200))
    assert np.ptp(reduced(image)) <= FLAT_RANGE
    assert not is_flat(image, reduced(image))


@pytest.mark.parametrize(
    ("algorithm", "function", "size"),
    [("dhash", imagehash.dhash, 8), ("ahash", imagehash.average_hash, 8), ("whash", imagehash.whash, 8),
     ("colorhash", imagehash.colorhash, 6)],
)  # fmt: skip
def test_the_other_hashes_are_the_librarys(scene, algorithm, function, size):
    image = scene(5)
    packed = other_hash(algorithm, image)
    assert len(packed) == size
    assert packed == np.packbits(function(image).hash).tobytes()
