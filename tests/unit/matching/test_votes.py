from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageOps
from scenery import scene

from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.sketch import FEATURES, Sketch, Sketches, sketches_of
from dedupctl.matching.votes import BIAS, WEIGHT_OF_A_VOTE, WEIGHT_OF_COSINE, passing

COSINE = 0.6


def picture_of(image: Image.Image) -> Picture:
    return Picture(np.asarray(image.convert("L")), *image.size)


@cache
def sketches(seed: int) -> Sketches:
    return sketches_of(picture_of(scene(seed)))


def sketch(seed: int) -> Sketch:
    return sketches(seed).plain


def score_of(votes: float) -> float:
    """What a candidate of this many votes and the cosine of these tests scores."""
    return WEIGHT_OF_A_VOTE * votes + WEIGHT_OF_COSINE * COSINE + BIAS


def have(votes: float, seed: int, *others: Sketch) -> list[bool]:
    cosines = np.full(len(others), COSINE, np.float32)
    return passing(sketches(seed), others, cosines, score_of(votes)).tolist()


def test_sketches_survive_their_way_through_bytes() -> None:
    both = Sketches.from_bytes(sketches(1).to_bytes())
    assert both is not None
    assert (both.mirrored.bits == sketches(1).mirrored.bits).all()
    read = both.plain
    assert len(read) == len(sketch(1)) == FEATURES
    np.testing.assert_array_equal(read.bits, sketch(1).bits)
    np.testing.assert_allclose(read.points, sketch(1).points, atol=1 / 128)
    turns = np.exp(1j * (read.angles - sketch(1).angles))
    np.testing.assert_allclose(turns, 1, atol=np.pi / 256 + 1e-6)
    np.testing.assert_allclose(read.sizes, sketch(1).sizes, atol=1 / 64)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02\x02", b"\x01\x01cut off", b"\x00\x01\x01cut off"])
def test_bytes_of_another_version_or_length_are_no_sketches(data: bytes) -> None:
    assert Sketches.from_bytes(data) is None


def test_a_picture_without_any_corner_has_an_empty_sketch_and_no_votes() -> None:
    blank = sketches_of(picture_of(Image.new("L", (320, 240), 128)))
    assert len(blank.plain) == 0
    assert Sketches.from_bytes(blank.to_bytes()) is not None
    assert have(1, 1, blank.plain) == [False]
    assert not passing(blank, [sketch(1)], np.array([COSINE], np.float32), score_of(1))[0]


@pytest.mark.parametrize(
    "edit",
    [
        lambda image: image.rotate(90, expand=True),
        lambda image: image.resize((240, 180)),
        lambda image: image.crop((60, 40, 420, 310)),
        ImageOps.mirror,
        lambda image: ImageOps.mirror(image).rotate(20),
    ],
    ids=["turned", "smaller", "cropped", "mirrored", "mirrored and turned"],
)
def test_an_edited_copy_has_the_votes_that_other_pictures_lack(edit: Callable[[Image.Image], Image.Image]) -> None:
    copy = sketches_of(picture_of(edit(scene(2)))).plain
    assert have(5, 2, copy, *(sketch(seed) for seed in range(10, 20))) == [True] + 10 * [False]


def test_each_candidate_is_judged_by_itself_however_many_there_are() -> None:
    others = [sketch(seed % 7) for seed in range(150)]
    assert have(9, 3, *others) == [seed % 7 == 3 for seed in range(150)]


def test_a_close_vector_needs_fewer_votes() -> None:
    cosines = np.array([0.5, 0.99], np.float32)
    assert passing(sketches(1), [sketch(5), sketch(6)], cosines, score_of(4)).tolist() == [False, True]


def test_nobody_is_asked_for_nothing() -> None:
    assert have(3, 1) == []
