from __future__ import annotations

from itertools import pairwise

import pytest

from dedupctl.matching.reach import MOST_BY_CHANCE, cosine_for, expected_by_chance, share_by_chance

SIZES = (10, 1_000, 100_000, 1_000_000, 10_000_000, 100_000_000)


@pytest.mark.parametrize(("cosine", "share"), [(0.53, 4.6e-4), (0.63, 1e-4), (0.72, 2e-5), (0.77, 1e-5)])
def test_the_shares_are_those_measured(cosine: float, share: float) -> None:
    assert share_by_chance(cosine) == pytest.approx(share, rel=1e-6)


def test_a_small_library_is_searched_as_widely_as_the_model_allows() -> None:
    assert cosine_for(1_000, 0.53) == 0.53
    assert cosine_for(1_000, 0.4) == 0.4


def test_the_larger_the_library_the_nearer_a_candidate_must_be() -> None:
    found = [cosine_for(size, 0.53) for size in SIZES]
    assert all(one <= other for one, other in pairwise(found))
    assert found[-1] > found[0]


@pytest.mark.parametrize("size", SIZES)
def test_no_more_than_the_bearable_number_is_expected_by_chance(size: int) -> None:
    expected = expected_by_chance(size, cosine_for(size, 0.53))
    assert expected <= MOST_BY_CHANCE
    if size >= 1_000_000:
        assert expected > 0.95 * MOST_BY_CHANCE


def test_a_cosine_asked_for_by_configuration_is_never_undercut() -> None:
    assert cosine_for(10_000_000, 0.9) == 0.9
