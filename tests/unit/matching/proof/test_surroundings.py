from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageOps
from scenery import saved_again, scene, screenshot, seen

from dedupctl.matching.proof.geometry import Matrix
from dedupctl.matching.proof.surroundings import plain_outside

INNER = scene(1, (320, 240))
AS_IT_IS = np.eye(3)


def laid_at(left: float, upper: float, factor: float) -> Matrix:
    return np.array([[factor, 0, left], [0, factor, upper], [0, 0, 1.0]])


@pytest.mark.parametrize("colour", ["white", "black", (196, 30, 58)])
def test_a_border_is_all_of_one_grey_also_after_a_jpeg(colour: str | tuple[int, int, int]) -> None:
    framed = saved_again(ImageOps.expand(INNER.resize((240, 180)), (40, 30), colour), 60)
    share = plain_outside(seen(framed), seen(INNER), laid_at(40, 30, 0.75))
    assert share is not None
    assert share > 0.95


def test_a_screenshot_is_of_one_grey_for_the_most_part() -> None:
    share = plain_outside(seen(screenshot(INNER)), seen(INNER), laid_at(0, 150 * 320 / 1080, 160 / 320))
    assert share is not None
    assert 0.65 < share < 0.99


def test_more_of_a_scene_is_not() -> None:
    collage = scene(2, (320, 240)).copy()
    collage.paste(INNER.resize((200, 150)), (60, 45))
    share = plain_outside(seen(collage), seen(INNER), laid_at(60, 45, 200 / 320))
    assert share is not None
    assert share < 0.62


def test_where_nothing_lies_outside_there_is_nothing_to_say() -> None:
    assert plain_outside(seen(INNER), seen(INNER), AS_IT_IS) is None
    assert plain_outside(seen(INNER), seen(INNER), laid_at(-100, -100, 3)) is None
