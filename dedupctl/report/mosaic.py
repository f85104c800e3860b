"""The map as one large picture: every thumbnail in a grid cell, as close to its place on the map as possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from dedupctl.catalog.map_points import PointArray
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import PairKind
from dedupctl.report.picture_map import PictureMap
from dedupctl.report.thumbnails import opened

LONGEST_SIDE = 8_192
"""Pixels; browsers and phones can still open a picture of 67 megapixels."""
_LARGEST_CELL = 160
_ROOM = 1.6
"""Cells per picture: enough empty ones for neighbourhoods to keep their shape."""
_PAPER = (20, 20, 19)
_COLORS = {
    PairKind.EXACT: (82, 199, 196),
    PairKind.PIXEL: (172, 159, 247),
    PairKind.NEAR: (242, 166, 100),
    PairKind.SIMILAR: (167, 172, 181),
}
_BATCH = 500


def mosaic(drawn: PictureMap, thumbs: Thumbs, progress: Callable[[int], None] = lambda _done: None) -> bytes:
    """The map as PNG, at most 8,192 pixels wide and high; a frame in the colour of its kind around each duplicate."""
    columns = max(1, math.ceil(math.sqrt(len(drawn.points) * _ROOM)))
    cell = min(_LARGEST_CELL, LONGEST_SIDE // columns)
    canvas = Image.new("RGB", (columns * cell, columns * cell), _PAPER)
    pen = ImageDraw.Draw(canvas)
    cells = grid_cells(drawn.places, columns)
    for start in range(0, len(drawn.points), _BATCH):
        part = drawn.points[start : start + _BATCH]
        jpegs = thumbs.get({point.digest for point in part})
        for point, (column, row) in zip(part, cells[start : start + _BATCH], strict=True):
            corner = (column * cell, row * cell)
            jpeg = jpegs.get(point.digest)
            picture = opened(jpeg, cell) if jpeg is not None else None
            if picture is not None:
                picture.thumbnail((cell - 2, cell - 2))
                left, top = ((cell - side) // 2 for side in picture.size)
                canvas.paste(picture, (corner[0] + left, corner[1] + top))
            if point.kind is not None:
                _frame(pen, corner, cell, _COLORS[point.kind])
        progress(start + len(part))
    packed = BytesIO()
    canvas.save(packed, "PNG", compress_level=3)
    return packed.getvalue()


def grid_cells(places: PointArray, columns: int) -> list[tuple[int, int]]:
    """A cell (column, row from the top) of its own for each place, as near to it as those before it left free."""
    if not len(places):
        return []
    low, high = places.min(axis=0), places.max(axis=0)
    scaled = (places - low) / np.maximum(high - low, 1e-9) * (columns - 1)
    taken: set[tuple[int, int]] = set()
    # From the middle outwards, so that crowds spread to where there is room instead of piling up at the edge.
    order = np.argsort(np.abs(scaled - scaled.mean(axis=0)).sum(axis=1), kind="stable")
    cells = [(0, 0)] * len(places)
    for place in order:
        wanted = round(float(scaled[place, 0])), round(float(columns - 1 - scaled[place, 1]))
        cells[place] = next(cell for cell in _rings(wanted, columns) if cell not in taken)
        taken.add(cells[place])
    return cells


def _rings(center: tuple[int, int], columns: int) -> Iterator[tuple[int, int]]:
    """The cells of the grid in growing squares around `center`."""
    column, row = center
    yield center
    for reach in range(1, columns + 1):
        for offset in range(-reach, reach + 1):
            sides = ((offset, -reach), (offset, reach), (-reach, offset), (reach, offset))
            for right, down in sides:
                if 0 <= column + right < columns and 0 <= row + down < columns:
                    yield column + right, row + down


def _frame(pen: ImageDraw.ImageDraw, corner: tuple[int, int], cell: int, color: tuple[int, int, int]) -> None:
    pen.rectangle((*corner, corner[0] + cell - 1, corner[1] + cell - 1), outline=color, width=max(1, cell // 40))
