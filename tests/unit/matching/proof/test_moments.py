"""Two captures held against each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dedupctl.fingerprint.capture import Capture
from dedupctl.matching.proof.moments import moments_of

SHOT = Capture(
    taken_at=datetime(2024, 5, 17, 8, 30, 11),
    subsecond=0.45,
    camera="Canon EOS R6",
    body="0123",
    number=77,
    exposure=1 / 60,
    aperture=5.6,
    sensitivity=400.0,
)
SILENT = Capture()


def later(seconds: float, shot: Capture = SHOT) -> Capture:
    assert shot.taken_at is not None
    return replace(shot, taken_at=shot.taken_at + timedelta(seconds=seconds))


def test_the_same_fraction_of_a_second_is_one_moment() -> None:
    assert moments_of(SHOT, SHOT) == "one"


def test_where_nothing_was_written_nothing_is_said() -> None:
    assert moments_of(SILENT, SHOT) is None
    assert moments_of(SILENT, SILENT) is None


@pytest.mark.parametrize("seconds", [1, 59, 3601, 86_400 * 400])
def test_other_capture_times_are_two_shots(seconds: int) -> None:
    assert moments_of(SHOT, later(seconds)) == "times"


@pytest.mark.parametrize("minutes", [15, 60, 345, -330])
def test_a_shift_of_whole_quarter_hours_is_a_time_zone(minutes: int) -> None:
    assert moments_of(SHOT, later(60 * minutes)) == "one"
    assert moments_of(replace(SHOT, subsecond=None), later(60 * minutes, replace(SHOT, subsecond=None))) is None


def test_a_whole_year_is_no_time_zone() -> None:
    assert moments_of(SHOT, later(900 * 4 * 24 * 365)) == "times"


def test_a_burst_within_one_second_differs_by_its_fraction() -> None:
    assert moments_of(SHOT, replace(SHOT, subsecond=0.52)) == "times"


def test_a_fraction_cut_to_two_digits_is_the_same() -> None:
    assert moments_of(SHOT, replace(SHOT, subsecond=0.453)) == "one"


def test_a_bracket_within_one_second_differs_by_its_exposure() -> None:
    one = replace(SHOT, subsecond=None, number=None)
    assert moments_of(one, replace(one, exposure=1 / 250)) == "settings"
    assert moments_of(one, replace(one, exposure=0.017)) is None


def test_other_numbers_are_two_shots() -> None:
    assert moments_of(replace(SHOT, subsecond=None), replace(SHOT, subsecond=None, number=78)) == "numbers"


def test_two_bodies_are_two_shots_at_any_time() -> None:
    assert moments_of(SHOT, replace(SHOT, body="9")) == "cameras"
    assert moments_of(SHOT, replace(SHOT, camera="NIKON D70", body=None)) == "cameras"


def test_a_program_may_leave_the_maker_out() -> None:
    assert moments_of(SHOT, replace(SHOT, camera="EOS R6", body=None)) == "one"
