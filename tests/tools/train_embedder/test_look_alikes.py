from __future__ import annotations

from random import Random

import numpy as np
import pytest
from scenery import scene
from train_embedder.look_alikes import FAMILIES, Family, family, series
from train_embedder.pictures import Pixels, squeezed


def distance(one: Pixels, other: Pixels) -> float:
    """Mean difference in levels at 64 x 64."""
    return float(np.abs(squeezed(one, 64).astype(int) - squeezed(other, 64)).mean())


@pytest.mark.parametrize("draw", dict.fromkeys(FAMILIES))
def test_members_differ_and_are_nearer_to_each_other_than_to_another_family(draw: Family) -> None:
    mine = [draw(Random("a"), Random(member)) for member in range(4)]
    theirs = draw(Random("b"), Random(9))
    within = [distance(one, other) for number, one in enumerate(mine) for other in mine[:number]]
    assert min(within) > 0
    assert np.mean(within) < np.mean([distance(member, theirs) for member in mine])


def test_a_seed_is_always_the_same_family() -> None:
    one, again = family(3, 4), family(3, 4)
    assert all(np.array_equal(mine, yours) for mine, yours in zip(one, again, strict=True))
    assert len({member.tobytes() for member in one}) == 4


def test_shots_of_a_scene_move_on_and_none_is_the_photo() -> None:
    photo = np.asarray(scene(5, (240, 180)))
    shots = series(photo, Random(2), 4)
    assert len(shots) == 4
    assert all(min(shot.shape[:2]) >= 0.69 * 180 for shot in shots)
    assert distance(shots[0], shots[1]) > 0
    assert distance(shots[0], shots[1]) < distance(shots[0], np.asarray(scene(6, (240, 180))))
