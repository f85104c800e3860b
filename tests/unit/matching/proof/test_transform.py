"""The words of a Transform, from a matrix between small pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dedupctl.matching.proof.geometry import Matrix, mapped
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.proof.transform import transform_of


def blank(full_width: int, full_height: int) -> Picture:
    gray = np.zeros((round(320 * full_height / max(full_width, full_height)),
                     round(320 * full_width / max(full_width, full_height))), np.uint8)  # fmt: skip
    return Picture(gray, full_width, full_height)


def between_centres(full: Matrix, a: Picture, b: Picture) -> Matrix:
    """The matrix between pixel centres of the small pictures, for one between the full ones."""
    shrink_b = np.diag([b.width / b.full_width, b.height / b.full_height, 1])
    grow_a = np.diag([a.full_width / a.width, a.full_height / a.height, 1])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    return np.asarray(np.linalg.inv(half) @ shrink_b @ full @ grow_a @ half, np.float64)


def turn(degrees: float, factor: float = 1.0, about: tuple[float, float] = (2000, 1500)) -> Matrix:
    """Clockwise as seen."""
    return np.vstack([cv2.getRotationMatrix2D(about, -degrees, factor), [0, 0, 1.0]])


MIRROR = np.array([[-1, 0, 4000], [0, 1, 0], [0, 0, 1.0]])
A = (4000, 3000)


def test_a_copy_of_half_the_size_lies_in_it_as_it_is() -> None:
    a, b = blank(*A), blank(2000, 1500)
    found = transform_of(np.eye(3), a, b)
    assert found.matrix == pytest.approx((0.5, 0, 0, 0, 0.5, 0, 0, 0, 1))
    assert (found.scale, found.rotation, found.mirrored, found.in_perspective) == (0.5, 0, False, False)
    assert found.visible_in_a == found.visible_in_b == (0, 0, 1, 1)


def test_the_matrix_maps_full_pixels() -> None:
    a, b = blank(*A), blank(3000, 3000)
    truth = turn(20, 0.8) + np.array([[0, 0, 40], [0, 0, -70], [0, 0, 0.0]])
    found = transform_of(between_centres(truth, a, b), a, b)
    corners = np.array([(0, 0), (4000, 0), (4000, 3000), (0, 3000)], np.float64)
    matrix = np.array(found.matrix).reshape(3, 3)
    np.testing.assert_allclose(mapped(matrix, corners), mapped(truth, corners), atol=0.01)


@pytest.mark.parametrize("degrees", [-179, -90, -25, 0, 1, 45, 90, 135])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_rotation_is_clockwise_and_after_the_mirroring(degrees: int, mirrored: bool) -> None:
    a = b = blank(*A)
    truth = turn(degrees, 0.7) @ (MIRROR if mirrored else np.eye(3))
    found = transform_of(between_centres(truth, a, b), a, b)
    assert found.rotation == pytest.approx(degrees, abs=0.1)
    assert found.scale == pytest.approx(0.7, abs=0.001)
    assert found.mirrored is mirrored


def test_upside_down_is_mirrored_and_turned_half() -> None:
    a = b = blank(*A)
    flipped = np.array([[1, 0, 0], [0, -1, 3000], [0, 0, 1.0]])
    found = transform_of(between_centres(flipped, a, b), a, b)
    assert found.mirrored
    assert abs(found.rotation) == pytest.approx(180)


def test_a_crop_shows_its_box_of_the_original() -> None:
    a, b = blank(*A), blank(2000, 1500)
    cut = np.array([[1, 0, -1000], [0, 1, -600], [0, 0, 1.0]])
    found = transform_of(between_centres(cut, a, b), a, b)
    assert found.visible_in_a == pytest.approx((0.25, 0.2, 0.75, 0.7), abs=0.002)
    assert found.visible_in_b == pytest.approx((0, 0, 1, 1), abs=0.002)
    assert found.scale == pytest.approx(1)


def test_a_pasted_picture_shows_its_box_of_the_ground() -> None:
    a, b = blank(*A), blank(4000, 4000)
    pasted = np.array([[0.5, 0, 400], [0, 0.5, 2000], [0, 0, 1.0]])
    found = transform_of(between_centres(pasted, a, b), a, b)
    assert found.visible_in_a == pytest.approx((0, 0, 1, 1), abs=0.002)
    assert found.visible_in_b == pytest.approx((0.1, 0.5, 0.6, 0.875), abs=0.002)


def test_a_perspective_keeps_its_last_row_and_the_scale_of_its_middle() -> None:
    a = b = blank(*A)
    receding = np.array([[1, 0, 0], [0, 1, 0], [1e-4, 0, 1.0]])
    found = transform_of(between_centres(receding, a, b), a, b)
    assert found.in_perspective
    assert found.matrix[6] == pytest.approx(1e-4)
    assert found.matrix[8] == 1
    assert found.scale == pytest.approx(1 / 1.2**1.5, abs=0.01)


def test_pictures_beside_each_other_see_nothing_of_each_other() -> None:
    a = b = blank(*A)
    far = np.array([[1, 0, 9000], [0, 1, 0], [0, 0, 1.0]])
    found = transform_of(between_centres(far, a, b), a, b)
    assert found.visible_in_a == found.visible_in_b == (0.5, 0.5, 0.5, 0.5)
