from __future__ import annotations

import math
from dataclasses import replace

import pytest
from rendered_library import transform

from dedupctl.domain import Content, Evidence, Identity, Member, PairKind, PictureFacts
from dedupctl.report.outline import outline_on_keeper, outline_on_member


def member(content_id: int, width: int, height: int, matrix: tuple[float, ...] | None = None) -> Member:
    content = Content(content_id, b"", 1, PictureFacts("JPEG", width, height), None, False, b"\0" * 8)
    evidence = None if matrix is None else Evidence(method="orb", transform=transform(matrix))
    return Member(content_id, b"/p", 1, content, Identity(1, content_id, 1, 0, 0), PairKind.NEAR, 0.9, evidence)


CROP = (1.0, 0, -100, 0, 1.0, -50, 0, 0, 1)
"""The larger id shows the smaller id's picture from (100, 50) on."""


def test_a_crop_is_outlined_where_it_lies_in_the_keeper() -> None:
    keeper, crop = member(1, 400, 200), member(2, 200, 100, CROP)
    assert outline_on_keeper(keeper, crop) == ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def test_the_outline_is_the_same_when_the_keeper_has_the_larger_id() -> None:
    inverse = (1.0, 0, 100, 0, 1.0, 50, 0, 0, 1)
    keeper, crop = member(9, 400, 200), member(2, 200, 100, inverse)
    assert outline_on_keeper(keeper, crop) == ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def test_a_quarter_turn_is_outlined_with_its_top_at_the_side() -> None:
    turned = (0.0, -1, 200, 1, 0, 0, 0, 0, 1)
    keeper, copy = member(1, 400, 200), member(2, 200, 400, turned)
    outline = outline_on_keeper(keeper, copy)
    assert outline is not None
    top_from, top_to = outline[:2]
    assert top_from == pytest.approx((0.0, 1.0))
    assert top_to == pytest.approx((0.0, 0.0))


def test_a_mere_resize_draws_nothing() -> None:
    half = (0.5, 0, 0, 0, 0.5, 0, 0, 0, 1)
    assert outline_on_keeper(member(1, 400, 200), member(2, 200, 100, half)) is None


def test_the_keeper_is_outlined_on_a_member_that_shows_more() -> None:
    framed = (0.5, 0, 100, 0, 0.5, 50, 0, 0, 1)
    keeper, screenshot = member(1, 400, 200), member(2, 400, 200, framed)
    assert outline_on_keeper(keeper, screenshot) is None
    assert outline_on_member(keeper, screenshot) == ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


@pytest.mark.parametrize("matrix", [(0.0,) * 9, (math.nan,) * 9, (1e-6, 0, 0, 0, 1e-6, 0, 0, 0, 1)])
def test_a_transform_that_makes_no_sense_draws_nothing(matrix: tuple[float, ...]) -> None:
    assert outline_on_keeper(member(1, 400, 200), member(2, 400, 200, matrix)) is None


def test_another_shot_is_not_outlined_where_its_proof_was_tried() -> None:
    shot = replace(member(2, 200, 100, CROP), kind=PairKind.SIMILAR)
    assert outline_on_keeper(member(1, 400, 200), shot) is None
    assert outline_on_member(member(1, 400, 200), shot) is None


def test_without_a_transform_nothing_is_drawn() -> None:
    assert outline_on_keeper(member(1, 4, 4), member(2, 4, 4)) is None
