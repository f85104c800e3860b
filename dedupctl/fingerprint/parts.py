"""Parts: what is given a vector beside the whole picture, because that one cannot tell enough of it.

The middle, of every picture: nearer than the whole to what was cropped, framed or written on along its border.

Inner pictures, of a screenshot, a framed photo or a collage. Two cheap looks at a small picture, which an ordinary
photo passes without a find:
- a ground of one colour (page, application, frame, fill): the box in which something else fills rows and columns;
- a rectangle of long, straight, sharp edges: a picture laid on another.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from dedupctl.domain import GrayArray

Box: TypeAlias = tuple[int, int, int, int]
"""Left, upper, right, lower, in pixels of the picture asked about."""
_Marks: TypeAlias = npt.NDArray[np.bool_]
_Profile: TypeAlias = npt.NDArray[np.float32]

_SMALLEST_SIDE = 32
"""Pixels, below which parts are not looked for."""
MOST_PARTS = 3
"""The middle and two inner pictures."""
MIDDLE_SHARE = 0.6
"""Of each side. `bench/README.md` has the figures of other shares."""

_GROUND_TOLERANCE = 6
"""Grey levels by which a ground of one colour may vary: JPEG moves it by 2 or 3."""
_GROUND_SHARE = 0.5
"""Share of the picture's outermost pixels that must be ground. A screenshot whose picture fills the width has .55."""
_TURNED_SHARE = 0.8
"""The same for a picture turned on its ground, which touches each side of its frame at one corner only."""
_SMALLEST, _LARGEST = 0.06, 0.9
"""Share of the area between which an inner picture is worth a vector of its own."""
_SHARP_FILL = 0.75
"""Share of a side of the box that is not ground, where the rows outside may hold text."""
_TRIMMED_FILL = 0.5
"""The same where all outside is ground: part of the inner picture may have the ground's grey."""
_STRAY = 0.02
"""Share of a row or column that may differ from the ground by noise."""

MOST_PARTS = 4
"""The whole picture, its middle and two inner pictures."""
_LINES = 8
"""Strongest straight lines looked at, in each direction."""
_STEP = 8
"""Grey levels between two pixels of which one lies before and one behind an edge."""
_STANDS_OUT = 1.6
"""How many times stronger an edge must be than what lies three pixels beside it."""
_SHORTEST_SIDE = 0.28
_TWO_WEAKEST_SIDES = 1.0
"""Sum of the shares of edge along the two weakest of the four sides from which a rectangle counts as laid on."""


def with_parts(image: Image.Image) -> list[Image.Image]:
    """A small RGB picture and its parts: all of it that is given a vector, the whole first."""
    return [image, *(image.crop(box) for box in parts_of(image))]


def parts_of(image: Image.Image) -> list[Box]:
    """Boxes of the parts of a small RGB picture (longer side about 320 pixels): the middle, at most two inner pictures.

    A part that shows nothing is left out: it would be near to all others that show nothing.
    """
    gray = np.asarray(image.convert("L"), np.uint8)
    if min(gray.shape) < _SMALLEST_SIDE:
        return []
    boxes = (middle(*image.size), _on_ground(gray), _laid_on(gray))
    return [box for box in boxes if box is not None and _shows_something(gray, box)]


def middle(width: int, height: int) -> Box:
    """The middle of a picture of this size, `MIDDLE_SHARE` wide and high."""
    left, upper = (round(side * (1 - MIDDLE_SHARE) / 2) for side in (width, height))
    return left, upper, width - left, height - upper


def _shows_something(gray: GrayArray, box: Box) -> bool:
    left, upper, right, lower = box
    return float(gray[upper:lower, left:right].std()) > _GROUND_TOLERANCE


def _on_ground(gray: GrayArray) -> Box | None:
    """The box of rows and columns that are filled, where the border of the picture is of one grey for the most part."""
    border = np.concatenate((gray[0], gray[-1], gray[:, 0], gray[:, -1]))
    ground = int(np.argmax(np.convolve(np.bincount(border, minlength=256), np.ones(5), "same")))
    share = float(np.mean(_differs(border, ground) == 0))
    if share < _GROUND_SHARE:
        return None
    filled = _differs(gray, ground)
    trimmed = _trimmed(filled)
    if trimmed is not None and _is_worth_it(trimmed, gray) and _begins_at_once(filled, trimmed, _TRIMMED_FILL):
        return trimmed
    box = _filled_box(filled)
    if box is None or not _is_worth_it(box, gray):
        return None
    return box if _begins_at_once(filled, box, _SHARP_FILL) or _is_turned(filled, share) else None


def _is_worth_it(box: Box, gray: GrayArray) -> bool:
    return _SMALLEST < _area(box) / gray.size < _LARGEST


def _trimmed(filled: _Marks) -> Box | None:
    """The box without the rows and columns that are all ground."""
    rows, columns = (np.flatnonzero(filled.mean(axis=axis) > _STRAY) for axis in (1, 0))
    return (
        (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) and len(columns) else None
    )


def _differs(gray: GrayArray, ground: int) -> _Marks:
    low, high = max(0, ground - _GROUND_TOLERANCE), min(255, ground + _GROUND_TOLERANCE)
    return np.logical_or(gray < low, gray > high)


def _filled_box(filled: _Marks) -> Box | None:
    """The largest run of rows that are filled by half, and of columns that are within it."""
    rows = _longest_run(filled.mean(axis=1))
    if rows is None:
        return None
    columns = _longest_run(filled[slice(*rows)].mean(axis=0))
    if columns is None:
        return None
    rows = _longest_run(filled[:, slice(*columns)].mean(axis=1)) or rows
    return columns[0], rows[0], columns[1], rows[1]


def _longest_run(fill: npt.NDArray[np.float64]) -> tuple[int, int] | None:
    """Start and end of the longest stretch where `fill` is above a half, or above .6 of the fullest if none is full."""
    above = fill > min(0.5, 0.6 * float(fill.max()))
    turns = np.flatnonzero(np.diff(np.concatenate(([False], above, [False]))))
    if not len(turns):
        return None
    longest = int(np.argmax(turns[1::2] - turns[::2]))
    return int(turns[2 * longest]), int(turns[2 * longest + 1])


def _begins_at_once(filled: _Marks, box: Box, least: float) -> bool:
    """Two sides of the box, seen from the ground outside, are filled from their first row, as no object on a table is.

    One is enough where the box is a band across the whole picture between two grounds.
    """
    left, upper, right, lower = box
    height, width = filled.shape
    inside = filled[upper:lower, left:right]
    gaps = (left, upper, width - right, height - lower)
    edges = (inside[:, 1:3], inside[1:3], inside[:, -3:-1], inside[-3:-1])
    straight: int = sum(gap > 1 and float(edge.mean()) >= least for gap, edge in zip(gaps, edges, strict=True))
    is_band = sum(gap > 1 for gap in gaps) == 2 and (gaps[0] > 1) == (gaps[2] > 1)
    return straight >= (1 if is_band else 2)


def _is_turned(filled: _Marks, share: float) -> bool:
    """The frame is ground but for the corners of a turned picture, one on each side."""
    return share >= _TURNED_SHARE and all(
        bool(side.any()) for side in (filled[:2], filled[-2:], filled[:, :2], filled[:, -2:])
    )


def _laid_on(gray: GrayArray) -> Box | None:
    """The rectangle whose four sides are edges for the longest part, among the strongest straight lines."""
    xs, marks_x = _straight_lines(gray)
    if len(xs) < 2:
        return None
    ys, marks_y = _straight_lines(gray.T)
    if len(ys) < 2:
        return None
    one, other = np.triu_indices(len(xs), 1)
    above, below = np.triu_indices(len(ys), 1)
    left, right, upper, lower = xs[one], xs[other], ys[above], ys[below]
    width, height = (right - left)[:, np.newaxis], (lower - upper)[np.newaxis]
    edge_x, edge_y = _counted(marks_x), _counted(marks_y)
    upright = (edge_x[lower] - edge_x[upper]).T / height
    level = (edge_y[right] - edge_y[left]) / width
    upright_weak, upright_strong = _ordered(upright[one], upright[other])
    level_weak, level_strong = _ordered(level[:, above], level[:, below])
    two_weakest = np.minimum(upright_weak + np.minimum(upright_strong, level_weak), level_weak + level_strong)
    large = (width >= _SHORTEST_SIDE * gray.shape[1]) & (height >= _SHORTEST_SIDE * gray.shape[0])
    score = np.where(large, two_weakest, 0.0)
    across, down = np.unravel_index(int(np.argmax(score)), score.shape)
    box = int(left[across]), int(upper[down]), int(right[across]), int(lower[down])
    return box if score[across, down] >= _TWO_WEAKEST_SIDES and _area(box) < _LARGEST * gray.size else None


def _straight_lines(gray: GrayArray) -> tuple[npt.NDArray[np.intp], _Marks]:
    """Columns of the strongest upright lines, and for each which of its pixels are an edge: shape (rows, lines)."""
    step = np.maximum(gray[:, 2:], gray[:, :-2]) - np.minimum(gray[:, 2:], gray[:, :-2])
    strength: _Profile = np.add.reduce(np.minimum(step, 40), axis=0, dtype=np.uint32).astype(np.float32)
    peak = np.zeros_like(strength)
    peak[4:-4] = strength[4:-4] - 0.5 * (strength[7:-1] + strength[1:-7])
    is_peak = np.logical_and(peak[1:-1] >= peak[:-2], peak[1:-1] >= peak[2:])
    peak[1:-1] *= is_peak
    columns = np.sort(np.argpartition(peak, -_LINES)[-_LINES:])
    columns = columns[peak[columns] > 0]
    beside = np.maximum(step[:, columns - 3], step[:, columns + 3])
    edge = step[:, columns]
    marks = np.logical_and(edge > _STEP, edge > _STANDS_OUT * beside)
    long = marks.mean(axis=0) >= _SHORTEST_SIDE / 2
    return columns[long] + 1, marks[:, long]


def _ordered(one: _Profile, other: _Profile) -> tuple[_Profile, _Profile]:
    return np.minimum(one, other), np.maximum(one, other)


def _counted(marks: _Marks) -> _Profile:
    """How many marks lie above each row, one row more than `marks` has."""
    counts = np.zeros((marks.shape[0] + 1, marks.shape[1]), np.float32)
    np.cumsum(marks, axis=0, out=counts[1:])
    return counts


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
