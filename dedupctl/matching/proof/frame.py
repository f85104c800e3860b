"""Two pictures at up to 1,200 px in one frame: laid on each other to a fraction of a pixel, in one tone.

The transform found on thumbnails is right to a pixel or two here. Optical flow brings it to a fifth of one, which fine
detail needs to agree at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray, GrayArray
from dedupctl.matching.proof.geometry import Matrix, followed, is_affine, is_sane, mapped

Flags = npt.NDArray[np.bool_]
"""A truth for each window."""

_EDGE = 9
"""Pixels inside the edge of the shared part that are left out: both resampling and JPEG reach over it."""
_TONES = 8
"""Grey levels a band of the tone curve spans."""
_LEAST_PIXELS, _STEP = 12, 4
"""How many pixels tell what becomes of a tone, of every fourth in both directions."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture as `closer_look` gives it, and the size it is shown at in full."""

    gray: GrayArray
    full_width: int
    full_height: int
    quantization: tuple[int, ...] | None
    """The 64 luminance steps its JPEG was saved with, row by row; None for other formats."""
    loses_unknown: bool = False
    """It was saved in a format that loses detail in a way that cannot be done again here."""

    @property
    def reduction(self) -> float:
        """How many times smaller it is here than in full."""
        return float(max(self.full_width, self.full_height) / max(self.gray.shape))

    def to_full(self) -> Matrix:
        """From its pixel centres to full pixels with the outer corner at 0."""
        across, down = self.full_width / self.gray.shape[1], self.full_height / self.gray.shape[0]
        return np.array([[across, 0, 0.5 * across], [0, down, 0.5 * down], [0, 0, 1.0]])


@dataclass(frozen=True, slots=True)
class Shared:
    """Both in the frame of the one that shows the motif smaller."""

    a: FloatArray
    b: FloatArray
    inside: GrayArray
    """255 where both have pixels."""
    reduction_a: float
    """How many times smaller than in its file A is shown."""
    reduction_b: float
    window: int
    """Side of the windows that suit the frame, in pixels."""

    @property
    def windows(self) -> Flags:
        """Which windows both fill."""
        return np.asarray(cut(self.inside, self.window).min(axis=(2, 3)) > 0)


def shared_frame(a: View, b: View, matrix: Matrix) -> Shared:
    """Lay A on B, or B on A, whichever is shown larger. `matrix` maps full pixels of A to full pixels of B."""
    forward = np.asarray(np.linalg.inv(b.to_full()) @ matrix @ a.to_full(), np.float64)
    scale = _scale(forward, a.gray)
    if scale <= 1:
        moved, inside, scale = _laid(a.gray, b.gray, forward, scale)
        return _shared(moved, b.gray, inside, a.reduction / scale, b.reduction)
    moved, inside, scale = _laid(b.gray, a.gray, np.asarray(np.linalg.inv(forward), np.float64), 1 / scale)
    return _shared(a.gray, moved, inside, a.reduction, b.reduction / scale)


def _shared(a: GrayArray, b: GrayArray, inside: GrayArray, reduction_a: float, reduction_b: float) -> Shared:
    window = 24 if max(a.shape) > 700 else 16
    return Shared(np.asarray(a, np.float32), np.asarray(b, np.float32), inside, reduction_a, reduction_b, window)


def _laid(moving: GrayArray, still: GrayArray, matrix: Matrix, scale: float) -> tuple[GrayArray, GrayArray, float]:
    moved, inside = _warped(moving, still, matrix, scale), _inside(moving, still, matrix)
    correction = followed(moved, still, inside)
    if correction is not None:
        finer = np.asarray(correction.matrix @ matrix, np.float64)
        if is_sane(finer, moving):
            again = _warped(moving, still, finer, scale)
            if _likeness(again, still, inside) > _likeness(moved, still, inside):
                return again, _inside(moving, still, finer), scale
    return moved, inside, scale


def _likeness(one: GrayArray, other: GrayArray, inside: GrayArray) -> float:
    """Correlation of the edges and the grain of both, whatever the light."""
    within = inside > 0
    first, second = (_sharp(picture)[within] for picture in (one, other))
    lengths = float(first @ first) * float(second @ second)
    return float(first @ second) / float(np.sqrt(max(lengths, 1e-6)))


def _sharp(picture: GrayArray) -> FloatArray:
    grey = np.asarray(picture, np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 1.5), np.float32)


def _warped(moving: GrayArray, still: GrayArray, matrix: Matrix, scale: float) -> GrayArray:
    size = (still.shape[1], still.shape[0])
    if moving.shape == still.shape and np.abs(matrix - np.eye(3)).max() < 1e-6:
        return moving
    if scale < 0.75:  # warping picks single pixels: without a blur first, a small copy would be full of aliases
        moving = np.asarray(cv2.GaussianBlur(moving, (0, 0), 0.45 * float(np.sqrt(1 / scale**2 - 1))), np.uint8)
    if is_affine(matrix):
        moved = cv2.warpAffine(moving, matrix[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    else:
        moved = cv2.warpPerspective(moving, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _inside(moving: GrayArray, still: GrayArray, matrix: Matrix) -> GrayArray:
    height, width = moving.shape
    corners = mapped(matrix, np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]))
    frame = np.clip(corners, -(2**14), 2**14).round().astype(np.int32)
    filled = cv2.fillConvexPoly(np.zeros(still.shape, np.uint8), frame, 255)
    return np.asarray(cv2.erode(filled, np.ones((_EDGE, _EDGE), np.uint8), borderValue=255), np.uint8)


def _scale(matrix: Matrix, gray: GrayArray) -> float:
    middle = np.array([gray.shape[1] / 2, gray.shape[0] / 2])
    corners = mapped(matrix, middle + np.array([(0, 0), (1, 0), (0, 1)]))
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))


def toned(source: FloatArray, target: FloatArray, inside: GrayArray) -> FloatArray:
    """`source` in the tones of `target`: what each of its grey levels mostly is there, never falling."""
    some = inside[::_STEP, ::_STEP] > 0
    level, becomes = (cv2.GaussianBlur(side, (0, 0), 2)[::_STEP, ::_STEP][some] for side in (source, target))
    bands = [(level >= low) & (level < low + _TONES) for low in range(0, 256, _TONES)]
    known = [
        (float(np.median(level[band])), float(np.median(becomes[band])))
        for band in bands
        if np.count_nonzero(band) > _LEAST_PIXELS
    ]
    if len(known) < 2:
        return source
    levels, tones = np.array(known).T
    curve = np.interp(np.arange(256), levels, np.maximum.accumulate(tones)).astype(np.float32)
    return curve[np.clip(np.rint(source), 0, 255).astype(np.uint8)]


def cut(picture: npt.NDArray[np.generic], window: int) -> npt.NDArray[np.float32]:
    """Whole windows of a picture: shape (rows, columns, window, window)."""
    rows, columns = picture.shape[0] // window, picture.shape[1] // window
    whole = picture[: rows * window, : columns * window]
    return np.asarray(whole.reshape(rows, window, columns, window).swapaxes(1, 2), np.float32)
