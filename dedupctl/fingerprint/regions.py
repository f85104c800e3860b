"""Regions: the parts of a picture that get a vector of their own, because the vector of the whole is not enough.

Every picture has its middle as a region: it is nearer than the whole to copies that were cropped, framed or written on
along the border.

A screenshot, a framed photo or a collage also has inner pictures. Two cheap tests on a small picture find them, and
find nothing in an ordinary photo:
- a background of one colour (page, application, frame, fill): the box in which something else fills rows and columns;
- a rectangle with long, straight, sharp edges: a picture pasted onto another.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from dedupctl.domain import GrayArray

Box: TypeAlias = tuple[int, int, int, int]
"""Left, upper, right, lower, in pixels of the picture."""
_Marks: TypeAlias = npt.NDArray[np.bool_]
_Profile: TypeAlias = npt.NDArray[np.float32]

_SMALLEST_SIDE = 32
"""Pixels; in smaller pictures no regions are sought."""
MOST_REGIONS = 4
"""The whole picture, its middle and two inner pictures."""
MIDDLE_SHARE = 0.6
"""Share of each side. `bench/README.md` has the figures for other shares."""

_GROUND_TOLERANCE = 6
"""Grey levels by which a background of one colour may vary: JPEG changes it by 2 or 3."""
_GROUND_SHARE = 0.5
"""Minimum share of background in the outermost pixels. A screenshot whose picture fills the width has .55."""
_TURNED_SHARE = 0.8
"""The same for a picture that is rotated on its background and touches each side of its frame at one corner only."""
_SMALLEST, _LARGEST = 0.06, 0.9
"""Range of the share of the area in which an inner picture is worth a vector of its own."""
_SHARP_FILL = 0.75
"""Minimum share of a side of the box that is not background, if the rows outside may hold text."""
_TRIMMED_FILL = 0.5
"""The same if everything outside is background: part of the inner picture may have the grey level of the background."""
_STRAY = 0.02
"""Share of a row or column that may differ from the background because of noise."""

_LINES = 8
"""How many of the strongest straight lines are considered in each direction."""
_STEP = 8
"""Minimum difference in grey levels between the two pixels on either side of an edge."""
_STANDS_OUT = 1.6
"""How many times stronger an edge must be than what is three pixels beside it."""
_SHORTEST_SIDE = 0.28
_TWO_WEAKEST_SIDES = 1.0
"""A rectangle counts as pasted if the shares of edge along its two weakest sides have at least this sum."""


def with_regions(image: Image.Image) -> list[Image.Image]:
    """A small RGB picture, followed by crops of its regions: everything that gets a vector."""
    return [image, *(image.crop(box) for box in regions_of(image))]


def regions_of(image: Image.Image) -> list[Box]:
    """Boxes of the regions of a small RGB picture (longer side about 320 px): the middle and up to two inner pictures.

    A region without any detail is left out, because its vector would be near that of every other blank region.
    """
    gray = np.asarray(image.convert("L"), np.uint8)
    if min(gray.shape) < _SMALLEST_SIDE:
        return []
    boxes = (middle(*image.size), _on_background(gray), _pasted(gray))
    return [box for box in boxes if box is not None and _has_detail(gray, box)]


def middle(width: int, height: int) -> Box:
    """The middle of a picture of this size: `MIDDLE_SHARE` of its width and of its height."""
    left, upper = (round(side * (1 - MIDDLE_SHARE) / 2) for side in (width, height))
    return left, upper, width - left, height - upper


def _has_detail(gray: GrayArray, box: Box) -> bool:
    left, upper, right, lower = box
    return float(gray[upper:lower, left:right].std()) > _GROUND_TOLERANCE


def _on_background(gray: GrayArray) -> Box | None:
    """The box of the filled rows and columns, if most of the picture's border has a single grey level."""
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
    """The box without the rows and columns that are entirely background."""
    rows, columns = (np.flatnonzero(filled.mean(axis=axis) > _STRAY) for axis in (1, 0))
    return (
        (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) and len(columns) else None
    )


def _differs(gray: GrayArray, ground: int) -> _Marks:
    low, high = max(0, ground - _GROUND_TOLERANCE), min(255, ground + _GROUND_TOLERANCE)
    return np.logical_or(gray < low, gray > high)


def _filled_box(filled: _Marks) -> Box | None:
    """The box of the longest run of half-filled rows, and of the longest run of half-filled columns within it."""
    rows = _longest_run(filled.mean(axis=1))
    if rows is None:
        return None
    columns = _longest_run(filled[slice(*rows)].mean(axis=0))
    if columns is None:
        return None
    rows = _longest_run(filled[:, slice(*columns)].mean(axis=1)) or rows
    return columns[0], rows[0], columns[1], rows[1]


def _longest_run(fill: npt.NDArray[np.float64]) -> tuple[int, int] | None:
    """Start and end of the longest run in which `fill` exceeds .5, or .6 of its maximum if that is lower."""
    above = fill > min(0.5, 0.6 * float(fill.max()))
    turns = np.flatnonzero(np.diff(np.concatenate(([False], above, [False]))))
    if not len(turns):
        return None
    longest = int(np.argmax(turns[1::2] - turns[::2]))
    return int(turns[2 * longest]), int(turns[2 * longest + 1])


def _begins_at_once(filled: _Marks, box: Box, least: float) -> bool:
    """Whether two sides of the box are filled from the first row on, as those of an object on a table never are.

    One side is enough if the box is a band across the whole picture, with background on both sides.
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
    """Whether the frame is background except for the corners of a rotated picture, one on each side."""
    return share >= _TURNED_SHARE and all(
        bool(side.any()) for side in (filled[:2], filled[-2:], filled[:, :2], filled[:, -2:])
    )


def _pasted(gray: GrayArray) -> Box | None:
    """The rectangle, formed by the strongest straight lines, whose four sides consist of edges most completely."""
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
    """Columns of the strongest vertical lines, and which of their pixels are edges, shape (rows, lines)."""
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
    """The number of marks above each row; one row more than `marks` has."""
    counts = np.zeros((marks.shape[0] + 1, marks.shape[1]), np.float32)
    np.cumsum(marks, axis=0, out=counts[1:])
    return counts


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
