"""Turns a matrix between two small pictures into the words of a `Transform` between the full ones."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np

from dedupctl.domain import Transform
from dedupctl.matching.proof.geometry import Matrix, mapped
from dedupctl.matching.proof.picture import Picture

Box: TypeAlias = tuple[float, float, float, float]

_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])


def transform_of(matrix: Matrix, a: Picture, b: Picture) -> Transform:
    """The transform between the full pictures, from one that maps pixel centres of the small ones."""
    full = _corner_units(b) @ matrix @ np.linalg.inv(_corner_units(a))
    full = full / full[2, 2]
    full[2, :2] = 0.0 if np.allclose(matrix[2, :2], 0.0, atol=1e-12) else full[2, :2]
    across, down = _axes(full, a)
    mirrored = bool(across[0] * down[1] - across[1] * down[0] < 0)
    return Transform(
        matrix=tuple(float(f"{value:.9g}") for value in full.ravel()),
        scale=round(math.sqrt(abs(across[0] * down[1] - across[1] * down[0])), 4),
        rotation=round(_rotation(across, down, mirrored), 1),
        mirrored=mirrored,
        visible_in_a=_visible(np.asarray(np.linalg.inv(full), np.float64), a, b),
        visible_in_b=_visible(full, b, a),
    )


def _corner_units(picture: Picture) -> Matrix:
    """From pixel centres of the small picture to full pixels with the outer corner at 0."""
    across, down = picture.full_width / picture.width, picture.full_height / picture.height
    return np.array([[across, 0, 0.5 * across], [0, down, 0.5 * down], [0, 0, 1.0]])


def _axes(full: Matrix, a: Picture) -> tuple[Matrix, Matrix]:
    """Where one pixel to the right and one pixel down, at the middle of A, lead in B."""
    middle = np.array([a.full_width / 2, a.full_height / 2])
    centre, right, below = mapped(full, middle + np.array([(0, 0), (1, 0), (0, 1)]))
    return np.asarray(right - centre), np.asarray(below - centre)


def _rotation(across: Matrix, down: Matrix, mirrored: bool) -> float:
    """Clockwise as seen (y points down), after a left-right mirroring; both axes speak, so shear does not tilt it."""
    if mirrored:
        across = -across
    return math.degrees(math.atan2(across[1] - down[0], across[0] + down[1]))


def _visible(back: Matrix, own: Picture, other: Picture) -> Box:
    """The box of `own` that shows something of `other`, in fractions; `back` leads from `other` to `own`."""
    size = (own.full_width, own.full_height)
    frame = mapped(back, _CORNERS * (other.full_width, other.full_height)) / size
    _, shared = cv2.intersectConvexConvex(frame.astype(np.float32), _CORNERS.astype(np.float32))
    if shared is None or len(shared) < 3:
        return (0.5, 0.5, 0.5, 0.5)
    left, upper = (round(float(value), 3) for value in shared.reshape(-1, 2).min(axis=0))
    right, lower = (round(float(value), 3) for value in shared.reshape(-1, 2).max(axis=0))
    return left, upper, right, lower
