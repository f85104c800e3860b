"""What surrounds one picture inside another: a ground that somebody put there, or more of the scene?"""

from __future__ import annotations

import cv2
import numpy as np

from dedupctl.matching.proof.geometry import Matrix, mapped
from dedupctl.matching.proof.picture import Picture

_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
_BLEED = 3
"""Pixels at working size beside the edge that are left out: resampling and JPEG mix both sides there."""
_LEAST = 0.003
"""A margin of a smaller share of the picture is none."""
_SAME_GREY = 5
"""Grey levels taken for one: JPEG moves a ground by 1 or 2 either way."""


def plain_outside(own: Picture, other: Picture, matrix: Matrix) -> float | None:
    """Share of what lies outside `other` in `own` that is of one single grey; None where next to nothing lies there.

    Borders, fills and bars of an application are, a page with text for the most part, more of a scene hardly ever.
    `matrix` leads from pixels of `other` to pixels of `own`.
    """
    corners = mapped(matrix, _CORNERS * (other.width - 1, other.height - 1))
    frame = np.clip(corners, -(2**14), 2**14).round().astype(np.int32)
    covered = cv2.fillConvexPoly(np.zeros(own.gray.shape, np.uint8), frame, 1)
    covered = np.asarray(cv2.dilate(covered, np.ones((2 * _BLEED + 1, 2 * _BLEED + 1), np.uint8)), np.uint8)
    outside = own.gray[covered == 0]
    if len(outside) < _LEAST * own.gray.size:
        return None
    counts = np.bincount(outside, minlength=256)
    return float(np.convolve(counts, np.ones(_SAME_GREY), "same").max()) / len(outside)


def reach_beyond(own: Picture, other: Picture, matrix: Matrix) -> float:
    """How far `other` reaches beyond the frame of `own`, in longer sides of `own`; 0 where it lies inside.

    `matrix` leads from pixels of `other` to pixels of `own`.
    """
    x, y = mapped(matrix, _CORNERS * (other.width - 1, other.height - 1)).T
    reach = max(-x.min(), x.max() - (own.width - 1), -y.min(), y.max() - (own.height - 1), 0.0)
    return float(reach) / max(own.width, own.height)
