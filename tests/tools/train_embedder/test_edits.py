from __future__ import annotations

from random import Random

import numpy as np
import pytest
from scenery import scene
from train_embedder import drawing, geometry, tones
from train_embedder.pictures import Edit, Pixels, squeezed
from train_embedder.templates import TEMPLATES, Template, dressed
from train_embedder.views import gentle_view, light_view, strong_view

PHOTO = np.asarray(scene(1, (200, 150)))
OTHER = np.asarray(scene(2, (120, 180)))

EDITS: list[Edit] = [
    geometry.cropping(0.25),
    geometry.mirror,
    geometry.flip,
    geometry.quarter_turn,
    geometry.turning(180),
    geometry.perspective,
    geometry.shear,
    *tones.TONES,
    tones.grey,
    tones.blur,
    tones.sharpen,
    tones.noise,
    tones.posterise,
    tones.saved_again,
    drawing.lettering,
    drawing.watermark,
    drawing.stickers,
    drawing.stripes,
    lambda pixels, random: drawing.inset(pixels, random, other),
]


def other(_: Random) -> Pixels:
    return OTHER


@pytest.mark.parametrize("number", range(len(EDITS)))
def test_an_edit_gives_a_picture_and_leaves_the_photo_alone(number: int) -> None:
    before = PHOTO.copy()
    before.flags.writeable = False
    for seed in range(12):
        edited = EDITS[number](before, Random(seed))
        assert edited.dtype == np.uint8
        assert edited.ndim == 3
        assert edited.shape[2] == 3
        assert min(edited.shape[:2]) > 0
    assert np.array_equal(before, PHOTO)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("size", [(200, 150), (60, 300), (300, 60)])
def test_a_template_takes_pictures_of_any_shape(template: Template, size: tuple[int, int]) -> None:
    photo = np.asarray(scene(3, size))
    for seed in range(8):
        shown = template(photo, Random(seed), other)
        assert shown.dtype == np.uint8
        assert shown.shape[2] == 3


@pytest.mark.parametrize("seed", range(20))
def test_one_template_surrounds_different_pictures_with_the_same(seed: int) -> None:
    black, white = np.zeros((120, 160, 3), np.uint8), np.full((120, 160, 3), 255, np.uint8)
    one, another = dressed(black, seed, other), dressed(white, seed, other)
    assert one.shape == another.shape
    differs = (one != another).any(axis=2)
    assert differs.any()
    assert np.array_equal(dressed(black, seed, other), one)


def test_crops_keep_to_the_area_asked_for() -> None:
    crop = geometry.cropping(0.25, 0.5)
    for seed in range(50):
        cropped = crop(PHOTO, Random(seed))
        assert 0.24 <= cropped.shape[0] * cropped.shape[1] / (200 * 150) <= 0.51


def test_what_is_near_moves_and_what_is_far_stays() -> None:
    depth = np.zeros(PHOTO.shape[:2], np.float32)
    depth[:, 100:] = 1
    moved = geometry.parallax(PHOTO, depth, across=3, down=0)
    assert np.array_equal(moved[:, :100], PHOTO[:, :100])
    assert np.array_equal(moved[:, 103:], PHOTO[:, 100:-3])


def test_a_surface_runs_from_far_to_near() -> None:
    field = geometry.smooth_field(Random(4), 64, 48, 3)
    assert field.shape == (48, 64)
    assert (field.min(), field.max()) == (0, 1)
    assert np.abs(np.diff(field, axis=1)).max() < 0.2


def test_views_have_the_size_asked_for_and_are_the_same_for_a_seed() -> None:
    makers = (
        lambda random: light_view(PHOTO, random, 96),
        lambda random: gentle_view(PHOTO, random, 96),
        lambda random: strong_view(PHOTO, random, other, 96),
        lambda random: strong_view(PHOTO, random, other, 96, template=5),
    )
    for make in makers:
        one, again, another = make(Random(1)), make(Random(1)), make(Random(2))
        assert one.shape == (96, 96, 3)
        assert np.array_equal(one, again)
        assert not np.array_equal(one, another)


def test_a_light_view_still_resembles_the_photo_where_a_strong_one_need_not() -> None:
    plain = squeezed(PHOTO, 64).astype(int)
    light, strong = (
        np.mean([np.abs(view.astype(int) - plain).mean() for view in views])
        for views in (
            [light_view(PHOTO, Random(seed), 64) for seed in range(20)],
            [strong_view(PHOTO, Random(seed), other, 64) for seed in range(20)],
        )
    )
    assert light < strong
