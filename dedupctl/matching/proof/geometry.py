"""How one picture may lie in another: guesses of the transform, to be confirmed by `agreement`.

A transform is a 3 x 3 matrix (float64) that maps pixel centres of A to pixel centres of B, both at working size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray, GrayArray
from dedupctl.matching.proof.picture import Features, Picture, Points

Matrix: TypeAlias = npt.NDArray[np.float64]

_RATIO = 0.8
"""Lowe's ratio: the best match must be this much nearer than the second best."""
_REACH = 3.0
"""Pixels a match may lie off an affine transform; RANSAC counts it as an inlier then."""
_PLENTY = 25
"""With so many inliers as it is, the mirrored picture need not be tried: unrelated photos reach 9."""
_MORE = 1.25
"""How many times as many matches a homography must explain to be preferred to an affine transform."""
_LEAST_SCALE, _MOST_SCALE, _MOST_STRETCH = 0.08, 12.0, 2.2
"""A transform beyond these squeezes a picture to a line or a dot, which any two pictures allow."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A transform and what speaks for it."""

    matrix: Matrix
    inliers: int
    residual: float
    """Median distance of the inliers from the transform, in pixels at working size."""


def by_orientation(a: Picture, b: Picture) -> tuple[float, Matrix]:
    """The one of the eight orientations in which the two whole pictures, squeezed to 32 x 32, correlate best.

    Returns that correlation (-1 to 1) and the transform.
    """
    ways = [(way & 4 > 0, way & 2 > 0, way & 1 > 0) for way in range(8)]
    views = [_viewed(a.thumb32, *way) for way in ways]
    correlations = np.stack(views).reshape(8, -1) @ b.thumb32.ravel()
    best = int(np.argmax(correlations))
    to_unit = np.diag([1 / a.width, 1 / a.height, 1.0]) @ _CORNER_TO_CENTRE
    from_unit = _CENTRE_TO_CORNER @ np.diag([float(b.width), float(b.height), 1.0])
    return float(correlations[best]), np.asarray(from_unit @ _orientation(*ways[best]) @ to_unit, np.float64)


def _viewed(square: FloatArray, transposed: bool, across: bool, upright: bool) -> FloatArray:
    turned = square.T if transposed else square
    return turned[:: -1 if upright else 1, :: -1 if across else 1]


_CORNER_TO_CENTRE = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
"""From coordinates with pixel centres at whole numbers to ones with the picture's corner at 0."""
_CENTRE_TO_CORNER = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])


def _orientation(transposed: bool, across: bool, upright: bool) -> Matrix:
    """On the unit square, transpose first, then mirror left-right (`across`) and top-bottom (`upright`)."""
    matrix = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]]) if transposed else np.eye(3)
    if across:
        matrix = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1.0]]) @ matrix
    if upright:
        matrix = np.array([[1, 0, 0], [0, -1, 1], [0, 0, 1.0]]) @ matrix
    return np.asarray(matrix, np.float64)


def by_features(a: Picture, b: Picture, method: Literal["orb", "sift"]) -> Guess | None:
    """The transform that most feature matches agree on, A as it is or mirrored; None without one that makes sense."""
    target = b.orb if method == "orb" else b.sift
    straight = _from_matches(a, a.orb if method == "orb" else a.sift, target)
    if straight is not None and straight.inliers >= _PLENTY:
        return straight
    mirrored = _from_matches(a, a.orb_mirrored if method == "orb" else a.sift_mirrored, target)
    return max((guess for guess in (straight, mirrored) if guess), key=lambda guess: guess.inliers, default=None)


def _from_matches(a: Picture, features_a: Features, features_b: Features) -> Guess | None:
    points_a, points_b = _matches(features_a, features_b)
    if len(points_a) < 4:
        return None
    affine, inliers = cv2.estimateAffine2D(
        points_a, points_b, method=cv2.RANSAC, ransacReprojThreshold=_REACH, maxIters=500, confidence=0.99
    )
    if affine is None or not _is_sane_affine(affine):
        return None
    matrix = np.vstack([affine, [0.0, 0.0, 1.0]])
    chosen = inliers[:, 0] > 0
    seen_aslant = _in_perspective(a, matrix, points_a, points_b, int(chosen.sum()))
    if seen_aslant is not None:
        matrix, chosen = seen_aslant
    return Guess(matrix, int(chosen.sum()), _residual(matrix, points_a[chosen], points_b[chosen]))


def _matches(a: Features, b: Features) -> tuple[Points, Points]:
    """Points of A and B whose descriptors are nearest to each other by far."""
    if min(len(a.points), len(b.points)) < 4:
        return a.points[:0], b.points[:0]
    norm = cv2.NORM_HAMMING if a.descriptors.dtype == np.uint8 else cv2.NORM_L2
    pairs = cv2.BFMatcher(norm).knnMatch(a.descriptors, b.descriptors, k=2)
    clear = [(best.queryIdx, best.trainIdx) for best, second in pairs if best.distance < _RATIO * second.distance]
    chosen = np.array(clear, np.intp).reshape(-1, 2)
    return a.points[chosen[:, 0]], b.points[chosen[:, 1]]


def _in_perspective(
    a: Picture, matrix: Matrix, points_a: Points, points_b: Points, inliers: int
) -> tuple[Matrix, npt.NDArray[np.bool_]] | None:
    """A homography near the affine transform, where it explains clearly more of the matches."""
    near = np.linalg.norm(mapped(matrix, points_a) - points_b, axis=1) < 5 * _REACH
    if np.count_nonzero(near) < max(8, _MORE * inliers + 2):
        return None
    homography, chosen = cv2.findHomography(
        points_a[near], points_b[near], cv2.RANSAC, 2.5, maxIters=500, confidence=0.99
    )
    if homography is None or np.count_nonzero(chosen) <= _MORE * inliers + 2 or not is_sane(homography, a.gray):
        return None
    kept = np.zeros(len(points_a), np.bool_)
    kept[np.flatnonzero(near)[chosen[:, 0] > 0]] = True
    return np.asarray(homography, np.float64), kept


def followed(moving: GrayArray, still: GrayArray, mask: GrayArray) -> Guess | None:
    """The small correction that lays `moving` on `still` to a fraction of a pixel, by the optical flow of its corners.

    Both are in one frame already, right to within about 10 pixels; only corners inside `mask` are followed. The matrix
    maps pixels of `moving` to pixels of `still`. None where too few corners can be followed.
    """
    corners = cv2.goodFeaturesToTrack(still, 150, 0.01, 7, mask=mask)
    if corners is None or len(corners) < _LEAST_CORNERS:
        return None
    found, status, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        still, moving, corners, None, winSize=(17, 17), maxLevel=2, criteria=(3, 12, 0.03)
    )
    kept = (status[:, 0] == 1) & (np.linalg.norm(found - corners, axis=2)[:, 0] < 14)
    source, target = found[kept, 0], corners[kept, 0]
    if len(source) < _LEAST_CORNERS:
        return None
    affine, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=1.0, maxIters=300, confidence=0.99
    )
    if affine is None:
        return None
    matrix, chosen = np.vstack([affine, [0.0, 0.0, 1.0]]), inliers[:, 0] > 0
    if len(source) > _MORE * np.count_nonzero(chosen) + 3:
        homography, also = cv2.findHomography(source, target, cv2.RANSAC, 1.0, maxIters=300, confidence=0.99)
        more = homography is not None and np.count_nonzero(also) > _MORE * np.count_nonzero(chosen) + 3
        if more and is_sane(homography, still):
            matrix, chosen = np.asarray(homography, np.float64), also[:, 0] > 0
    return Guess(matrix, int(np.count_nonzero(chosen)), _residual(matrix, source[chosen], target[chosen]))


_LEAST_CORNERS = 12


def mapped(matrix: Matrix, points: npt.NDArray[np.floating[Any]]) -> Matrix:
    """Points (n, 2) sent through a transform."""
    sent = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(sent[:, :2] / sent[:, 2:], np.float64)


def is_affine(matrix: Matrix) -> bool:
    """Parallel lines stay parallel."""
    return bool(matrix[2, 0] == 0.0 and matrix[2, 1] == 0.0)


def is_inside(points: Matrix, picture: Picture, slack: float) -> npt.NDArray[np.bool_]:
    """Which of the points (n, 2) lie in the picture, or at most `slack` pixels outside."""
    x, y, edge = points[:, 0], points[:, 1], 0.5 + slack
    return np.asarray((x > -edge) & (y > -edge) & (x < picture.width - 1 + edge) & (y < picture.height - 1 + edge))


def scale_of(matrix: Matrix, picture: Picture) -> float:
    """Linear size at which the middle of a picture is shown by a transform of its pixels."""
    middle = np.array([picture.width / 2, picture.height / 2])
    corners = mapped(matrix, middle + np.array([(0, 0), (1, 0), (0, 1)]))
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))


def _residual(matrix: Matrix, source: Points, target: Points) -> float:
    return float(np.median(np.linalg.norm(mapped(matrix, source) - target, axis=1))) if len(source) else 0.0


def _is_sane_affine(affine: npt.NDArray[Any]) -> bool:
    largest, smallest = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(smallest > _LEAST_SCALE and largest < _MOST_SCALE and largest < _MOST_STRETCH * smallest)


def is_sane(matrix: Matrix, gray: GrayArray) -> bool:
    """The corners of a picture stay in front of the camera and its frame stays convex."""
    height, width = gray.shape
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)]) @ np.asarray(matrix).T
    if not np.isfinite(corners).all() or corners[:, 2].min() <= 0.3 * corners[:, 2].max():
        return False
    frame = corners[:, :2] / corners[:, 2:]
    edges = np.roll(frame, -1, axis=0) - frame
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return bool((turns > 0).all() or (turns < 0).all())
