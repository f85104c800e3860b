from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from scenery import jpeg, scene
from train_embedder.batches import MADE_UP, Batch, Batches, blended
from train_embedder.photos import Album, pack
from train_embedder.recipe import Recipe

PHOTOS = 12
RECIPE = Recipe(steps=6, pictures=8, side=48, look_alikes=0.5, queue=0)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    folder = tmp_path_factory.mktemp("album")
    for number in range(PHOTOS):
        (folder / f"{number:02d}.jpg").write_bytes(jpeg(scene(number, (120, 90))))
    pack([folder], folder)
    return Album(folder)


def test_a_batch_is_the_same_whoever_makes_it_and_when(album: Album) -> None:
    one, other = Batches(album, range(PHOTOS), RECIPE), Batches(album, range(PHOTOS), RECIPE)
    _ = other[0], other[5]
    assert np.array_equal(one[3].views, other[3].views)
    assert np.array_equal(one[3].pictures, other[3].pictures)
    assert not np.array_equal(one[3].views, one[4].views)
    assert len(one) == RECIPE.steps


def test_each_picture_comes_in_two_views(album: Album) -> None:
    batch = Batches(album, range(PHOTOS), RECIPE)[0]
    assert batch.views.shape == (16, 48, 48, 3)
    assert np.array_equal(batch.pictures[::2], batch.pictures[1::2])
    assert np.array_equal(batch.pictures[:, 0], batch.pictures[:, 1])
    assert not np.array_equal(batch.views[0], batch.views[1])


def test_every_photo_is_seen_before_one_is_seen_again(album: Album) -> None:
    batches = Batches(album, range(PHOTOS), replace(RECIPE, look_alikes=0.0, pictures=4))
    seen = Counter(int(number) for step in range(6) for number in batches[step].pictures[::2, 0])
    assert seen == dict.fromkeys(range(PHOTOS), 2)


def test_photos_that_were_not_given_are_never_shown(album: Album) -> None:
    batches = Batches(album, [3, 4, 5], RECIPE)
    for step in range(RECIPE.steps):
        scenes = batches[step].scenes
        assert set(scenes[scenes < MADE_UP]) <= {3, 4, 5}


def test_shots_of_one_scene_are_different_pictures_of_it(album: Album) -> None:
    batches = Batches(album, range(PHOTOS), replace(RECIPE, steps=40, look_alikes=1.0))
    subjects = [subject for step in range(12) for subject in batches.subjects(step)]
    shots = [subject for subject in subjects if subject.picture >= MADE_UP and subject.scene < MADE_UP]
    assert shots
    assert all(subject.gentle for subject in shots)
    assert len({subject.picture for subject in shots}) == len(shots)
    assert max(Counter(subject.scene for subject in shots).values()) >= 4


def test_look_alikes_of_one_template_share_its_seed(album: Album) -> None:
    batches = Batches(album, range(PHOTOS), replace(RECIPE, steps=40, look_alikes=1.0))
    for step in range(12):
        seeds = Counter(subject.template for subject in batches.subjects(step) if subject.template is not None)
        assert all(count == 4 for count in seeds.values())


def test_a_blended_view_shows_both_pictures() -> None:
    views = np.stack([np.full((4, 4, 3), level, np.uint8) for level in (0, 0, 200, 200)])
    numbers = np.array([[1, 1], [1, 1], [2, 2], [2, 2]])
    mixed = blended(Batch(views, numbers, numbers + 10), 0.25, Random(1))
    changed = np.flatnonzero(mixed.pictures[:, 0] != mixed.pictures[:, 1])
    assert len(changed) == 1
    assert set(mixed.pictures[changed[0]]) == {1, 2}
    assert set(mixed.scenes[changed[0]]) == {11, 12}
    assert 60 <= mixed.views[changed[0]].mean() <= 140
    assert np.array_equal(np.delete(mixed.views, changed, axis=0), np.delete(views, changed, axis=0))


def test_nothing_is_blended_unless_asked() -> None:
    numbers = np.array([[1, 1], [1, 1]])
    batch = Batch(np.zeros((2, 4, 4, 3), np.uint8), numbers, numbers)
    assert blended(batch, 0.0, Random(1)) is batch
