"""Draws a proof: the two pictures side by side, each with the outline of the other where it lies in it."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import Content, Evidence
from dedupctl.matching.geometry import mapped

_Colour: TypeAlias = npt.NDArray[np.uint8]

_HEIGHT = 480
_GAP = 12
_GROUND = (32, 32, 32)
_LINE = (60, 220, 60)
"""Blue, green, red."""


def side_by_side(
    thumbnail_a: bytes, thumbnail_b: bytes, content_a: Content, content_b: Content, evidence: Evidence
) -> bytes:
    """A PNG of A at the left and B at the right, `_HEIGHT` pixels high. Without a transform no outline is drawn.

    Raises:
        ValueError: a thumbnail cannot be decoded.
    """
    left, right = _drawable(thumbnail_a), _drawable(thumbnail_b)
    if evidence.transform is not None:
        matrix = np.array(evidence.transform.matrix, np.float64).reshape(3, 3)
        _draw(right, content_b, matrix, content_a)
        _draw(left, content_a, np.asarray(np.linalg.inv(matrix), np.float64), content_b)
    width = left.shape[1] + right.shape[1] + 3 * _GAP
    sheet = np.full((_HEIGHT + 2 * _GAP, width, 3), _GROUND, np.uint8)
    sheet[_GAP : _GAP + _HEIGHT, _GAP : _GAP + left.shape[1]] = left
    sheet[_GAP : _GAP + _HEIGHT, 2 * _GAP + left.shape[1] : width - _GAP] = right
    return cv2.imencode(".png", sheet)[1].tobytes()


def _drawable(thumbnail: bytes) -> _Colour:
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the thumbnail cannot be decoded")
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _draw(canvas: _Colour, content: Content, matrix: npt.NDArray[np.float64], other: Content) -> None:
    """The frame of `other`, sent by `matrix` into full pixels of `content`; its top edge is drawn twice as thick."""
    width, height = other.facts.width, other.facts.height
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    scale = (canvas.shape[1] / content.facts.width, canvas.shape[0] / content.facts.height)
    frame = np.clip(mapped(matrix, corners) * scale, -(2**14), 2**14).round().astype(np.int32)
    cv2.polylines(canvas, [frame], isClosed=True, color=_LINE, thickness=2, lineType=cv2.LINE_AA)
    top_left, top_right = ([int(x) for x in corner] for corner in frame[:2])
    cv2.line(canvas, top_left, top_right, _LINE, 4, cv2.LINE_AA)
