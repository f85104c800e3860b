"""What cameras write about the moment, and what they write instead."""

from __future__ import annotations

from datetime import datetime

import pytest
from PIL import Image

from dedupctl.fingerprint.capture import Capture, capture_of

EXIF_IFD = 0x8769
TAKEN_AT, DIGITIZED_AT, SUBSECOND, EXPOSURE, NUMBER, BODY, SENSITIVITY = (
    *(0x9003, 0x9004, 0x9291, 0x829A, 0x9211, 0xA431, 0x8827),
)


def written(**tags: object) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0110] = "EOS R6"
    exif.get_ifd(EXIF_IFD).update({int(name[1:]): value for name, value in tags.items()})
    return exif


def captured(tag: int, value: object) -> Capture:
    return capture_of(written(**{f"t{tag}": value}))


def test_the_original_time_counts_and_no_other() -> None:
    assert captured(TAKEN_AT, "2024:05:17 08:30:11").taken_at == datetime(2024, 5, 17, 8, 30, 11)
    assert captured(DIGITIZED_AT, "2024:05:17 08:30:11").taken_at is None


@pytest.mark.parametrize(("digits", "fraction"), [("45", 0.45), ("07", 0.07), ("4", 0.4), ("450\0", 0.45)])
def test_the_fraction_of_a_second_is_read_as_digits(digits: str, fraction: float) -> None:
    assert captured(SUBSECOND, digits).subsecond == pytest.approx(fraction)


@pytest.mark.parametrize("digits", ["", "  ", "00", "x", "-4", b"45", 7, "٣"])
def test_a_fraction_that_makes_no_sense_is_none(digits: object) -> None:
    assert captured(SUBSECOND, digits).subsecond is None


@pytest.mark.parametrize("value", [0, -1, "fast", b"x", (), float("nan"), float("inf")])
def test_an_exposure_that_makes_no_sense_is_none(value: object) -> None:
    assert captured(EXPOSURE, value).exposure is None


def test_settings_and_numbers() -> None:
    assert captured(EXPOSURE, 0.004).exposure == 0.004
    assert captured(SENSITIVITY, (400, 0)).sensitivity == 400
    assert captured(NUMBER, 12).number == 12
    assert captured(BODY, "0456 \0").body == "0456"
    assert captured(BODY, "00000").body is None
    assert captured(BODY, "1").camera == "EOS R6"
