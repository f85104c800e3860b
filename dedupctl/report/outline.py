"""Where one picture of a pair lies in the other, as a polygon to be drawn over a thumbnail.

All polygons are four corners in fractions of the picture they are drawn on, in the order upper left, upper right, lower
right, lower left of the *other* picture, so that the first edge is always the other picture's top, which shows rotation
and mirroring.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from dedupctl.domain import Member, PairKind

Polygon: TypeAlias = tuple[tuple[float, float], ...]

_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
_WHOLE = 0.015
"""If all corners are closer than this to the picture's own, there is no outline: it would only be a frame."""
_REACH = 3.0
"""A polygon that extends farther than this many picture sizes comes from a transform that proves nothing."""


def outline_on_keeper(keeper: Member, member: Member) -> Polygon | None:
    """The member's frame within the keeper; None if both show the same, or no transform is proven."""
    return _frame_on(keeper, member, member)


def outline_on_member(keeper: Member, member: Member) -> Polygon | None:
    """The keeper's frame within the member, if the member shows more than the keeper; otherwise None."""
    return _frame_on(member, keeper, member)


def _frame_on(canvas: Member, other: Member, holder: Member) -> Polygon | None:
    """`other`'s corners mapped into `canvas`, by the evidence that `holder` carries."""
    transform = holder.evidence.transform if holder.evidence else None
    # For another shot, the transform is only the one that was tried when the proof failed.
    if transform is None or holder.kind is PairKind.SIMILAR:
        return None
    matrix: npt.NDArray[np.float64] = np.array(transform.matrix, np.float64).reshape(3, 3)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
        return None
    if other.content.id > canvas.content.id:
        # The matrix maps the smaller content id to the larger; here the frame of the larger one is wanted.
        matrix = np.asarray(np.linalg.inv(matrix), np.float64)
    polygon = _mapped(matrix, other, canvas)
    if polygon is None or np.abs(polygon).max() > _REACH:
        return None
    if np.abs(polygon - np.array(_CORNERS)).max() < _WHOLE or not _inside(polygon):
        return None
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in polygon)


def _mapped(matrix: npt.NDArray[np.float64], other: Member, canvas: Member) -> npt.NDArray[np.float64] | None:
    from_facts, to_facts = other.content.facts, canvas.content.facts
    corners = np.array([(x * from_facts.width, y * from_facts.height, 1.0) for x, y in _CORNERS])
    mapped = corners @ matrix.T
    if (np.abs(mapped[:, 2]) < 1e-9).any():
        return None
    fractions: npt.NDArray[np.float64] = mapped[:, :2] / mapped[:, 2:] / (to_facts.width, to_facts.height)
    return fractions


def _inside(polygon: npt.NDArray[np.float64]) -> bool:
    """Does some of the outline fall well inside the picture? Otherwise there is nothing to see."""
    middles = (polygon + np.roll(polygon, -1, axis=0)) / 2
    points = np.vstack([polygon, middles])
    return bool(((points > -_WHOLE) & (points < 1 + _WHOLE)).all(axis=1).any())
