"""How two pictures of one frame correlate, window by window, and whether a window shows natural detail or drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

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
_EVEN = 2


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
    mean_a, mean_b = means_of(a, window), means_of(b, window)
    of_a = means_of(a * a, window) - mean_a * mean_a
    of_b = means_of(b * b, window) - mean_b * mean_b
    of_both = means_of(a * b, window) - mean_a * mean_b
    ncc = of_both / np.sqrt(np.maximum(of_a * of_b, 1e-6))
    deviation_a, deviation_b = (np.sqrt(np.maximum(variance, 0)) for variance in (of_a, of_b))
    return Correlation(np.clip(ncc, -1, 1), deviation_a, deviation_b)


def deviation_of(picture: FloatArray, window: int) -> FloatArray:
    """Standard deviation of each window, in grey levels."""
    mean = means_of(picture, window)
    return np.asarray(np.sqrt(np.maximum(means_of(picture * picture, window) - mean * mean, 0)), np.float32)


def means_of(values: FloatArray, window: int) -> FloatArray:
    """Mean of each window."""
    rows, columns = values.shape[0] // window, values.shape[1] // window
    whole = values[: rows * window, : columns * window]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def fine_detail(picture: FloatArray) -> FloatArray:
    """What a blur of one pixel takes away: noise, grain and the sharpest edges."""
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 1.0), np.float32)


def is_natural(picture: FloatArray, window: int, asked: Flags) -> Flags:
    """Which of the windows asked for hold detail as photos do: many tones, and no place of one colour.

    Letters, lines, cells and icons are of two tones with little between them, on a ground without noise.
    """
    natural = np.zeros_like(asked)
    windows = cut(picture, window)[asked]
    if not len(windows):
        return natural
    flat = np.sort(windows.reshape(len(windows), -1), axis=1)
    low, high = flat[:, flat.shape[1] // 50], flat[:, -1 - flat.shape[1] // 50]
    contrast = np.maximum(high - low, _LEAST_CONTRAST)[:, np.newaxis]
    level = np.clip((flat - low[:, np.newaxis]) / contrast * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.int64)
    side = window // 4
    squares = windows.reshape(len(windows), 4, side, 4, side).swapaxes(2, 3).reshape(len(windows), 16, -1)
    quiet = np.sort(squares.std(axis=2), axis=1)[:, 3]
    natural[asked] = (_in_two_tones(level) < _FEW_TONES) & (quiet > _QUIET)
    return natural


def _in_two_tones(level: npt.NDArray[np.int64]) -> FloatArray:
    """Share of the pixels in the two commonest bands, each three levels wide."""
    count, pixels = level.shape
    places = level + 1 + (_LEVELS + 2) * np.arange(count)[:, np.newaxis]
    counted = np.bincount(places.ravel(), minlength=count * (_LEVELS + 2))
    shares = counted.reshape(count, _LEVELS + 2).astype(np.float32) / pixels
    bands = shares[:, :-2] + shares[:, 1:-1] + shares[:, 2:]
    commonest = bands.argmax(axis=1)[:, np.newaxis]
    first = np.take_along_axis(bands, commonest, axis=1)[:, 0]
    for beside in (0, 1, 2):
        np.put_along_axis(shares, commonest + beside, 0, axis=1)
    bands = shares[:, :-2] + shares[:, 1:-1] + shares[:, 2:]
    return np.asarray(first + bands.max(axis=1), np.float32)


def in_two_tones(levels: FloatArray) -> float:
    """Share of grey levels that lie within 8 of one of two tones."""
    counts = np.bincount(np.clip(np.rint(levels), 0, 255).astype(np.int64), minlength=256).astype(np.float32)
    share = 0.0
    for _ in range(2):
        bands = np.convolve(counts, np.ones(17), "same")
        tone = int(bands.argmax())
        share += float(bands[tone])
        counts[max(0, tone - 8) : tone + 9] = 0
    return share / max(1, len(levels))


def is_even(picture: FloatArray) -> Flags:
    """Which pixels differ from their neighbours by two grey levels at most, as paint does and grain does not."""
    gray = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    around = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.subtract(cv2.dilate(gray, around), cv2.erode(gray, around)) <= _EVEN)
