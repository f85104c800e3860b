from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rendered_library import transform

from dedupctl.domain import Content, Evidence, Identity, Member, PairKind, PictureFacts
from dedupctl.web.alignment import align

HALF_AND_DOWN = (0.5, 0.0, 0.0, 0.0, 0.5, 100.0, 0.0, 0.0, 1.0)


def member(content_id: int, width: int, height: int, matrix: tuple[float, ...] | None = None) -> Member:
    content = Content(content_id, bytes(32), 1, PictureFacts("JPEG", width, height), None, False, bytes(8))
    evidence = None if matrix is None else Evidence("orb", transform=transform(matrix))
    return Member(content_id, b"/a", 1, content, Identity(1, content_id, 1, 0, 0), PairKind.NEAR, 1.0, evidence)


def mapped(matrix: tuple[float, ...], x: float, y: float) -> tuple[float, float]:
    u, v, w = np.array(matrix).reshape(3, 3) @ (x, y, 1.0)
    return u / w, v / w


def test_a_proof_leads_from_the_smaller_content_id_to_the_larger() -> None:
    older = align(keeper=member(2, 400, 400), member=member(1, 800, 600, HALF_AND_DOWN))
    newer = align(keeper=member(1, 800, 600), member=member(2, 400, 400, HALF_AND_DOWN))
    assert older.proven
    assert mapped(older.to_keeper, 800, 600) == pytest.approx((400, 400))
    assert mapped(newer.to_keeper, 400, 400) == pytest.approx((800, 600))
    assert mapped(newer.from_keeper, 800, 600) == pytest.approx((400, 400))


@pytest.mark.parametrize("matrix", [None, (0.0,) * 9, (float("nan"),) * 9])
def test_without_a_usable_proof_the_frames_are_laid_on_each_other(matrix: tuple[float, ...] | None) -> None:
    found = align(keeper=member(1, 800, 600), member=member(2, 400, 200, matrix))
    assert not found.proven
    assert mapped(found.to_keeper, 400, 200) == pytest.approx((800, 600))


def test_another_shot_is_laid_where_the_proof_was_tried_but_is_not_called_proven() -> None:
    shot = replace(member(2, 400, 400, HALF_AND_DOWN), kind=PairKind.SIMILAR)
    found = align(keeper=member(1, 800, 600), member=shot)
    assert not found.proven
    assert mapped(found.to_keeper, 400, 400) == pytest.approx((800, 600))


def test_files_of_one_content_lie_on_each_other_as_they_are() -> None:
    found = align(keeper=member(1, 800, 600), member=member(1, 800, 600))
    assert found.proven
    assert found.to_keeper == (1, 0, 0, 0, 1, 0, 0, 0, 1)
