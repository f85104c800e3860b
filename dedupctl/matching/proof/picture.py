"""A small grey picture and its features, each computed once and only when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray, GrayArray
from dedupctl.matching.proof.windows import TEXTURED, WINDOW, detail_of, softened

Points: TypeAlias = FloatArray
"""Shape (n, 2): x and y of pixel centres."""

WORKING_SIDE = 320
"""Longer side in pixels at which pictures are compared. At 256 px two shots of one building agreed on .70 of their
detail, at 320 px on .64, while the worst true copy stays at .68; 384 px costs a third more and gains nothing."""

_STROKE = 9
"""Pixels at working size: broader than the strokes of a headline on a page."""

cv2.setNumThreads(1)  # one worker process a core: threads of OpenCV's own would only take turns on it
_ORB = cv2.ORB.create(nfeatures=400, scaleFactor=1.3, nlevels=6, edgeThreshold=19, fastThreshold=8)
"""edgeThreshold 19 instead of 31: small pictures in screenshots lose a third of their features to the margin else."""
_SIFT = cv2.SIFT.create(nfeatures=300)


@dataclass(frozen=True, slots=True)
class Features:
    """Points of interest and one descriptor for each: uint8 (n, 32) of ORB or float32 (n, 128) of SIFT."""

    points: Points
    descriptors: npt.NDArray[Any]


class Picture:
    """One side of a proof: grey, longer side `WORKING_SIDE` pixels.

    `enlarged` tells how many times it was enlarged to that size (1.0 if it was not): its finest detail is as much
    coarser.
    """

    def __init__(self, gray: GrayArray, full_width: int, full_height: int) -> None:
        factor = WORKING_SIDE / max(gray.shape)
        if factor != 1:
            size = (max(16, round(gray.shape[1] * factor)), max(16, round(gray.shape[0] * factor)))
            gray = _gray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC))
        self.gray = gray
        self.full_width, self.full_height = full_width, full_height
        self.enlarged = max(1.0, factor)

    @classmethod
    def from_thumbnail(cls, jpeg: bytes, full_width: int, full_height: int) -> Picture:
        """Decode a stored thumbnail. `full_width` and `full_height` are those of the picture it was made from.

        Raises:
            ValueError: the bytes are no picture.
        """
        gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        if gray is None:
            raise ValueError("the thumbnail cannot be decoded")
        return cls(_gray(gray), full_width, full_height)

    @property
    def width(self) -> int:
        return int(self.gray.shape[1])

    @property
    def height(self) -> int:
        return int(self.gray.shape[0])

    @cached_property
    def orb(self) -> Features:
        return _features(_ORB, self.gray)

    @cached_property
    def orb_mirrored(self) -> Features:
        """Features of the picture seen in a mirror, at the points where they lie in the picture itself."""
        mirrored = _features(_ORB, _gray(cv2.flip(self.gray, 1)))
        return Features(_mirrored_points(mirrored.points, self.width), mirrored.descriptors)

    @cached_property
    def sift(self) -> Features:
        return _features(_SIFT, self.gray)

    @cached_property
    def sift_mirrored(self) -> Features:
        """As `orb_mirrored`, but SIFT descriptors need not be computed again: a mirror only reorders their numbers."""
        return Features(self.sift.points, self.sift.descriptors[:, _MIRRORED_SIFT])

    @cached_property
    def thumb32(self) -> FloatArray:
        """Squeezed to 32 x 32, mean 0 and length 1 (all 0 for one colour)."""
        tiny = np.asarray(cv2.resize(self.gray, (32, 32), interpolation=cv2.INTER_AREA), np.float32)
        tiny -= tiny.mean()
        return tiny / max(float(np.linalg.norm(tiny)), 1e-3)

    @cached_property
    def detail(self) -> FloatArray:
        """How much detail each window of the picture holds, as a grid of standard deviations (see `windows`)."""
        return detail_of(softened(self.gray, 1.0), WINDOW)

    @cached_property
    def writing(self) -> float:
        """Share of its detail that is thin strokes on a plain ground: letters, numbers, lines of a form; 0-1.

        Letters vanish once darker strokes are filled from the sides (or lighter ones, for a dark page); things stay.
        Of 60 pages and chats in six forms each, the least has .83; of 292 photos, two have more than .72.
        """
        rich = self.detail > TEXTURED
        if not rich.any():
            return 0.0
        return max(self._vanishes(rich, filling) for filling in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN))

    def _vanishes(self, rich: npt.NDArray[np.bool_], filling: int) -> float:
        filled = _gray(cv2.morphologyEx(self.gray, filling, np.ones((_STROKE, _STROKE), np.uint8)))
        return float(np.mean(detail_of(softened(filled, 1.0), WINDOW)[rich] <= TEXTURED))

    @cached_property
    def window_middles(self) -> npt.NDArray[np.float64]:
        """The middle of each window of `detail`, row by row: shape (windows, 2)."""
        rows, columns = self.detail.shape
        across, down = np.meshgrid(np.arange(columns), np.arange(rows))
        return np.asarray((np.stack([across.ravel(), down.ravel()], axis=1) + 0.5) * WINDOW - 0.5, np.float64)

    def looks_identical(self, other: Picture) -> bool:
        """The two differ by rounding at most: worth the price of comparing all their pixels."""
        if self.gray.shape != other.gray.shape:
            return False
        return float(cv2.absdiff(self.gray, other.gray).mean()) < 1.0


def _gray(array: object) -> GrayArray:
    return np.asarray(array, np.uint8)


def _features(detector: cv2.ORB | cv2.SIFT, gray: GrayArray) -> Features:
    keypoints, descriptors = detector.detectAndCompute(gray, None)
    if not keypoints:
        return Features(np.empty((0, 2), np.float32), np.empty((0, detector.descriptorSize()), np.uint8))
    return Features(np.asarray(cv2.KeyPoint.convert(keypoints), np.float32).reshape(-1, 2), descriptors)


def _mirrored_points(points: Points, width: int) -> Points:
    mirrored = points.copy()
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored


def _mirrored_sift_order() -> npt.NDArray[np.intp]:
    """Where each of the 128 numbers (4 rows x 4 columns x 8 directions) comes from when the picture is mirrored.

    Along the keypoint's own direction nothing changes; across it, rows are exchanged and directions turn the other way.
    """
    order = np.arange(128).reshape(4, 4, 8)[::-1]
    return np.ascontiguousarray(order[:, :, (-np.arange(8)) % 8].ravel())


_MIRRORED_SIFT = _mirrored_sift_order()
