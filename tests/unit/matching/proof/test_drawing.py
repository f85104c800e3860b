"""The drawing of a proof, looked at pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from rendered_library import transform
from scenery import jpeg

from dedupctl.domain import Content, Evidence, PictureFacts, Transform
from dedupctl.matching.proof.drawing import side_by_side

GREY = Image.new("RGB", (320, 240), (120, 120, 120))


def content(width: int = 3200, height: int = 2400) -> Content:
    return Content(1, b"", 1, PictureFacts("JPEG", width, height), None, False, b"")


def drawn(
    placed: Transform | None, left: Image.Image = GREY, right: Image.Image = GREY, names: tuple[str, str] = ("A", "B")
) -> npt.NDArray[np.uint8]:
    a, b = content(left.width * 10, left.height * 10), content(right.width * 10, right.height * 10)
    png = side_by_side(jpeg(left), jpeg(right), a, b, Evidence("orb", transform=placed), names=names)
    assert png.startswith(b"\x89PNG")
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def green_of(sheet: npt.NDArray[np.uint8], half: int) -> npt.NDArray[np.bool_]:
    """Where the left (0) or right (1) half of the sheet is drawn upon."""
    lines = (sheet[:, :, 1].astype(int) - sheet[:, :, 2]) > 60
    return np.asarray(np.array_split(lines, 2, axis=1)[half])


def test_the_two_stand_side_by_side_at_one_height() -> None:
    sheet = drawn(None, Image.new("RGB", (320, 240), "red"), Image.new("RGB", (120, 320), "blue"))
    colours = {tuple(pixel // 64 for pixel in sheet[sheet.shape[0] // 2, column]) for column in (100, 750)}
    assert colours == {(0, 0, 3), (3, 0, 0)}
    assert sheet.shape[1] < 2 * 680


def test_the_one_named_first_stands_left() -> None:
    red, blue = Image.new("RGB", (240, 240), "red"), Image.new("RGB", (240, 240), "blue")
    straight, swapped = drawn(None, red, blue), drawn(None, red, blue, names=("B", "A"))
    assert straight[250, 100, 2] > 200
    assert swapped[250, 100, 0] > 200


def test_without_a_transform_nothing_is_outlined() -> None:
    sheet = drawn(None)
    assert not green_of(sheet, 0).any()
    assert not green_of(sheet, 1).any()


def test_a_crop_is_outlined_in_its_original() -> None:
    sheet = drawn(transform((1, 0, -800, 0, 1, -600, 0, 0, 1)), right=GREY.resize((160, 120)))
    rows, columns = np.nonzero(green_of(sheet, 0))
    scale = 480 / 2400
    assert (columns.min(), columns.max()) == pytest.approx((12 + 800 * scale, 12 + 2400 * scale), abs=12)
    assert (rows.min(), rows.max()) == pytest.approx((36 + 600 * scale, 36 + 1800 * scale), abs=12)


@pytest.mark.parametrize(
    ("matrix", "side"),
    [
        ((0.5, 0, 800, 0, 0.5, 600, 0, 0, 1), "top"),
        ((-0.5, 0, 2400, 0, -0.5, 1800, 0, 0, 1), "bottom"),
        ((0, -0.5, 2200, 0.5, 0, 600, 0, 0, 1), "right"),
    ],
)
def test_the_top_edge_is_drawn_thicker_wherever_it_went(matrix: tuple[float, ...], side: str) -> None:
    lines = green_of(drawn(transform(matrix)), 1)
    rows, columns = np.nonzero(lines)
    weight = {
        "top": np.count_nonzero(rows < rows.min() + 16),
        "bottom": np.count_nonzero(rows > rows.max() - 16),
        "left": np.count_nonzero(columns < columns.min() + 16),
        "right": np.count_nonzero(columns > columns.max() - 16),
    }
    length = {"top": np.ptp(columns), "bottom": np.ptp(columns), "left": np.ptp(rows), "right": np.ptp(rows)}
    assert max(weight, key=lambda one: weight[one] / length[one]) == side


@pytest.mark.parametrize(
    ("matrix", "side"), [((0.5, 0, 800, 0, 0.5, 600, 0, 0, 1), 0), ((-0.5, 0, 2400, 0, 0.5, 600, 0, 0, 1), -1)]
)
def test_a_dot_sticks_out_where_the_upper_left_corner_went(matrix: tuple[float, ...], side: int) -> None:
    lines = green_of(drawn(transform(matrix)), 1)
    outermost = np.flatnonzero(lines.any(axis=0))[side]
    assert np.count_nonzero(lines[:, outermost]) < 20


def test_a_frame_far_outside_is_no_error() -> None:
    drawn(transform((1e6, 0, -1e9, 0, 1e6, 1e9, 0, 0, 1)))


def test_a_thumbnail_that_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        side_by_side(b"no picture", jpeg(GREY), content(), content(), Evidence("orb"))
