"""How two pictures of one frame correlate, window by window, and whether a window shows natural detail or drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dedupctl.domain import FloatArray
from dedupctl.matching.proof.frame import Flags, cut

_LEVELS = 25
"""Bands into which the contrast of a window is divided."""
_FEW_TONES = 0.62
"""Share of a window's pixels in its two commonest tones (an eighth of its contrast each) from which it was drawn.
Next to none of the windows in pages, charts and boards have less, and .43 or more of those in photos."""
_QUIET = 1.2
"""Grey levels that a quarter of a window's small squares must vary by: a drawing has places that are of one colour."""
_LEAST_CONTRAST = 8.0


@dataclass(frozen=True, slots=True)
class Correlation:
    """Of the windows of two pictures; arrays of one shape (rows, columns)."""

    ncc: FloatArray
    deviation_a: FloatArray
    """Grey levels."""
    deviation_b: FloatArray

    @property
    def weaker(self) -> FloatArray:
        return np.minimum(self.deviation_a, self.deviation_b)

    @property
    def stronger(self) -> FloatArray:
        return np.maximum(self.deviation_a, self.deviation_b)


def correlate(a: FloatArray, b: FloatArray, window: int) -> Correlation:
    """Normalised correlation of each window."""
    one, other = (_centred(cut(picture, window)) for picture in (a, b))
    of_a, of_b, of_both = (np.mean(product, axis=(2, 3)) for product in (one * one, other * other, one * other))
    ncc = of_both / np.sqrt(np.maximum(of_a * of_b, 1e-6))
    return Correlation(np.asarray(ncc, np.float32), np.sqrt(of_a), np.sqrt(of_b))


def _centred(windows: FloatArray) -> FloatArray:
    return np.asarray(windows - windows.mean(axis=(2, 3), keepdims=True), np.float32)


def fine_detail(picture: FloatArray) -> FloatArray:
    """What a blur of one pixel takes away: noise, grain and the sharpest edges."""
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 1.0), np.float32)


def is_natural(picture: FloatArray, window: int) -> Flags:
    """Which windows hold detail as photos do: many tones, and no place of one colour.

    Letters, lines, cells and icons are of two tones with little between them, on a ground without noise.
    """
    windows = cut(picture, window)
    rows, columns = windows.shape[:2]
    flat = windows.reshape(rows, columns, -1)
    low, high = np.quantile(flat, (0.02, 0.98), axis=2)
    contrast = np.maximum(high - low, _LEAST_CONTRAST)[..., np.newaxis]
    level = np.clip((flat - low[..., np.newaxis]) / contrast * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.int32)
    side = window // 4
    squares = windows.reshape(rows, columns, 4, side, 4, side).swapaxes(3, 4).reshape(rows, columns, 16, -1)
    quiet = np.sort(squares.std(axis=3), axis=2)[..., 3]
    return np.asarray((_in_two_tones(level) < _FEW_TONES) & (quiet > _QUIET))


def _in_two_tones(level: np.ndarray) -> FloatArray:
    """Share of the pixels in the two commonest bands, each three levels wide."""
    shares = np.zeros((*level.shape[:2], _LEVELS + 2), np.float32)
    for tone in range(_LEVELS):
        shares[..., tone + 1] = (level == tone).mean(axis=2)
    bands = shares[..., :-2] + shares[..., 1:-1] + shares[..., 2:]
    commonest = bands.argmax(axis=2)[..., np.newaxis]
    first = np.take_along_axis(bands, commonest, axis=2)[..., 0]
    for beside in (0, 1, 2):
        np.put_along_axis(shares, commonest + beside, 0, axis=2)
    bands = shares[..., :-2] + shares[..., 1:-1] + shares[..., 2:]
    return np.asarray(first + bands.max(axis=2), np.float32)
