"""Guesses of the transform between two pictures of 320 pixels, against the transform that was applied."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import pytest
from PIL import Image
from scenery import aslant, scene, seen

from dedupctl.matching.proof.geometry import (
    Guess,
    Matrix,
    by_features,
    by_orientation,
    followed,
    is_affine,
    is_inside,
    is_sane,
    mapped,
    scale_of,
)
from dedupctl.matching.proof.picture import Picture

WAYS = [None, *Image.Transpose]


def warped(picture: Picture, matrix: Matrix) -> Picture:
    """The picture as `matrix` sends it, in a frame of the same size."""
    gray = cv2.warpPerspective(picture.gray, matrix, (picture.width, picture.height))
    return Picture(np.asarray(gray, np.uint8), picture.full_width, picture.full_height)


def turned_about_the_middle(degrees: float, factor: float, mirrored: bool = False) -> Matrix:
    matrix = np.vstack([cv2.getRotationMatrix2D((160, 120), -degrees, factor), [0, 0, 1.0]])
    mirror = np.array([[-1, 0, 319], [0, 1, 0], [0, 0, 1.0]]) if mirrored else np.eye(3)
    return np.asarray(matrix @ mirror, np.float64)


def error_of(guess: Matrix, truth: Matrix, picture: Picture) -> float:
    """Largest distance, in pixels, between where the two send points of the middle of the picture."""
    middle = np.array([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]) * (picture.width, picture.height)
    return float(np.linalg.norm(mapped(guess, middle) - mapped(truth, middle), axis=1).max())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "as it is" if way is None else way.name.lower())
def test_each_of_the_eight_orientations_is_found(way: Image.Transpose | None) -> None:
    image = scene(1, (320, 240))
    a, b = seen(image), seen(image if way is None else image.transpose(way))
    correlation, matrix = by_orientation(a, b)
    assert correlation > 0.99
    moved = cv2.warpPerspective(a.gray, matrix, (b.width, b.height))
    assert np.abs(moved.astype(int) - b.gray).mean() < 4


def test_different_pictures_correlate_in_no_orientation() -> None:
    assert by_orientation(seen(scene(1)), seen(scene(2)))[0] < 0.7


def test_one_colour_correlates_with_nothing() -> None:
    plain = Picture(np.full((240, 320), 90, np.uint8), 320, 240)
    assert by_orientation(plain, seen(scene(1)))[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", ["orb", "sift"])
@pytest.mark.parametrize(
    ("degrees", "factor", "mirrored"), [(0, 1, False), (25, 0.8, False), (-130, 1.4, False), (10, 0.9, True)]
)
def test_features_find_the_transform(
    method: Literal["orb", "sift"], degrees: float, factor: float, mirrored: bool
) -> None:
    a = seen(scene(1))
    truth = turned_about_the_middle(degrees, factor, mirrored)
    guess = by_features(a, warped(a, truth), method)
    assert guess is not None
    assert error_of(guess.matrix, truth, a) < 4
    assert guess.inliers > 15
    assert guess.residual < 2
    assert is_affine(guess.matrix)


def test_a_picture_seen_aslant_gets_a_perspective() -> None:
    image = scene(1)
    corners = ((0.3, 0.2), (0.7, 0.2), (1.0, 1.0), (0.0, 1.0))
    a, b = seen(image), seen(aslant(image, corners))
    guess = by_features(a, b, "orb")
    assert guess is not None
    assert not is_affine(guess.matrix)
    frame = mapped(guess.matrix, np.array([(0, 0), (320, 0), (320, 240), (0, 240)]))
    assert np.abs(frame - np.array(corners) * (320, 240)).max() < 15


def test_unrelated_pictures_agree_on_no_transform() -> None:
    guess = by_features(seen(scene(1)), seen(scene(2)), "orb")
    assert guess is None or guess.inliers < 12


def test_a_picture_without_features_is_guessed_nowhere() -> None:
    plain = Picture(np.full((240, 320), 90, np.uint8), 320, 240)
    assert by_features(plain, seen(scene(1)), "orb") is None
    assert by_features(seen(scene(1)), plain, "sift") is None


def test_a_small_slip_is_followed_to_a_fraction_of_a_pixel() -> None:
    a = seen(scene(1))
    slip = np.array([[1.004, 0.006, 2.3], [-0.006, 1.004, -1.6], [0, 0, 1.0]])
    correction = followed(a.gray, warped(a, slip).gray, np.full(a.gray.shape, 255, np.uint8))
    assert isinstance(correction, Guess)
    assert error_of(correction.matrix, slip, a) < 0.3


def test_nothing_can_be_followed_on_one_colour_or_outside_the_mask() -> None:
    plain, rich = np.full((240, 320), 90, np.uint8), seen(scene(1)).gray
    assert followed(plain, plain, np.full_like(plain, 255)) is None
    assert followed(rich, rich, np.zeros_like(rich)) is None


def test_points_are_divided_by_their_depth() -> None:
    matrix = np.array([[2, 0, 1], [0, 3, 0], [0.01, 0, 1.0]])
    assert mapped(matrix, np.array([(0, 0), (100, 10)])).tolist() == [[1, 0], [100.5, 15]]
    assert not is_affine(matrix)


def test_inside_reaches_to_the_outer_edge_of_the_pixels_and_the_slack_beyond() -> None:
    picture = Picture(np.zeros((240, 320), np.uint8), 320, 240)
    points = np.array([(-0.4, 0), (-0.6, 0), (319.4, 239.4), (319.6, 239), (0, 240.2)])
    assert is_inside(points, picture, slack=0).tolist() == [True, False, True, False, False]
    assert is_inside(points, picture, slack=1).tolist() == [True] * 5


@pytest.mark.parametrize(("degrees", "factor", "mirrored"), [(0, 0.5, False), (40, 2.0, False), (90, 0.7, True)])
def test_the_scale_is_that_of_lengths(degrees: float, factor: float, mirrored: bool) -> None:
    picture = Picture(np.zeros((240, 320), np.uint8), 320, 240)
    assert scale_of(turned_about_the_middle(degrees, factor, mirrored), picture) == pytest.approx(factor)


def test_a_frame_that_folds_or_lies_behind_the_camera_makes_no_sense() -> None:
    gray = np.zeros((240, 320), np.uint8)
    assert is_sane(turned_about_the_middle(30, 0.5, mirrored=True), gray)
    assert is_sane(np.array([[1, 0, 0], [0, 1, 0], [1e-3, 0, 1.0]]), gray)
    assert not is_sane(np.array([[1, 0, 0], [0, 1, 0], [-4e-3, 0, 1.0]]), gray)
    assert not is_sane(np.full((3, 3), np.nan), gray)
    assert not is_sane(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]]), gray)
