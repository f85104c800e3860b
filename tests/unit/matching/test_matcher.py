"""A round is judged in portions that take about as long as each other, however many cases it has."""

from __future__ import annotations

from dedupctl.domain import Content, PictureFacts
from dedupctl.matching.candidates import Candidate
from dedupctl.matching.comparison import Case, Side
from dedupctl.matching.matcher import PORTION_SECONDS, Round


def case(megapixels: int, hash_distance: int) -> Case:
    facts = PictureFacts("PNG", megapixels * 1000, 1000)
    sides = [
        Side(Content(number, bytes([number]) * 32, 10, facts, None, False, bytes(8)), b"", None) for number in (1, 2)
    ]
    return Case(Candidate(1, 2, False, hash_distance, 0.9), *sides)


def sizes(cases: list[Case]) -> list[int]:
    portions = Round((1,), tuple(cases)).portions()
    assert [place for places in portions for place in places] == list(range(len(cases)))
    return [len(places) for places in portions]


def test_five_thousand_quick_cases_are_many_portions() -> None:
    found = sizes([case(12, hash_distance=20)] * 5_000)
    assert len(found) > 20
    assert max(found) * 0.015 <= PORTION_SECONDS


def test_cases_that_compare_all_pixels_of_large_pictures_go_alone() -> None:
    assert sizes([case(100, hash_distance=0)] * 3) == [1, 1, 1]


def test_a_few_quick_cases_are_one_portion() -> None:
    assert sizes([case(12, hash_distance=20)] * 7) == [7]


def test_a_round_without_cases_has_no_portion() -> None:
    assert sizes([]) == []
