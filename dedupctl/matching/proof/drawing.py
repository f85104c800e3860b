"""Draws a proof: the two pictures side by side, each with the outline of the other where it lies in it."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import Content, Evidence
from dedupctl.matching.proof.geometry import mapped

_Colour: TypeAlias = npt.NDArray[np.uint8]

_HEIGHT = 480
_GAP = 12
_HEAD = 36
"""Height of the strip with the names above the pictures."""
_GROUND = (32, 32, 32)
_INK = (235, 235, 235)
_LINE = (60, 220, 60)
"""Blue, green, red."""


def side_by_side(
    thumbnail_a: bytes,
    thumbnail_b: bytes,
    content_a: Content,
    content_b: Content,
    evidence: Evidence,
    *,
    names: tuple[str, str] = ("A", "B"),
) -> bytes:
    """A PNG of the two, each `_HEIGHT` pixels high under its name, in the order of the names; ASCII only.

    In each the frame of the other is outlined; its top edge is thick and its upper left corner a dot, so that turned
    and mirrored copies are seen as such. Without a transform no outline is drawn.

    Raises:
        ValueError: a thumbnail cannot be decoded.
    """
    one, other = _drawable(thumbnail_a), _drawable(thumbnail_b)
    if evidence.transform is not None:
        matrix = np.array(evidence.transform.matrix, np.float64).reshape(3, 3)
        _outline(other, content_b, matrix, content_a)
        _outline(one, content_a, np.asarray(np.linalg.inv(matrix), np.float64), content_b)
    panels = sorted(zip(names, (one, other), strict=True), key=lambda panel: panel[0])
    return cv2.imencode(".png", np.hstack([_panel(name, canvas) for name, canvas in panels]))[1].tobytes()


def _drawable(thumbnail: bytes) -> _Colour:
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the thumbnail cannot be decoded")
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    smooth = cv2.INTER_AREA if image.shape[0] > _HEIGHT else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, _HEIGHT), interpolation=smooth), np.uint8)


def _panel(name: str, canvas: _Colour) -> _Colour:
    sheet = np.full((_HEAD + _HEIGHT + _GAP, canvas.shape[1] + 2 * _GAP, 3), _GROUND, np.uint8)
    sheet[_HEAD : _HEAD + _HEIGHT, _GAP : _GAP + canvas.shape[1]] = canvas
    cv2.putText(sheet, name, (_GAP, _HEAD - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.8, _INK, 2, cv2.LINE_AA)
    return sheet


def _outline(canvas: _Colour, content: Content, matrix: npt.NDArray[np.float64], other: Content) -> None:
    """The frame of `other`, sent by `matrix` into full pixels of `content`."""
    width, height = other.facts.width, other.facts.height
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    scale = (canvas.shape[1] / content.facts.width, canvas.shape[0] / content.facts.height)
    frame = np.clip(mapped(matrix, corners) * scale, -(2**14), 2**14).round().astype(np.int32)
    cv2.polylines(canvas, [frame], isClosed=True, color=_LINE, thickness=2, lineType=cv2.LINE_AA)
    top_left, top_right = ([int(x) for x in corner] for corner in frame[:2])
    cv2.line(canvas, top_left, top_right, _LINE, 6, cv2.LINE_AA)
    cv2.circle(canvas, top_left, 10, _LINE, cv2.FILLED, cv2.LINE_AA)
