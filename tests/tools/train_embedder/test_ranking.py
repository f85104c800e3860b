from __future__ import annotations

import numpy as np
import pytest
from train_embedder.ranking import (
    Proposals,
    micro_average_precision,
    proposals,
    recall_at_false_rate,
    recall_at_precision,
    widest,
)

COSINES = np.array([[0.9, 0.2, 0.6], [0.7, 0.8, 0.1], [0.3, 0.5, 0.4]], np.float32)
PARTNERS = np.array([0, 1, 2])
"""True pairs have 0.9, 0.8 and 0.4; the false ones 0.7, 0.6, 0.5, 0.3, 0.2 and 0.1."""
NOTHING = np.zeros((3, 3), np.bool_)


def test_a_threshold_proposes_what_is_at_least_as_near() -> None:
    found = proposals(COSINES, NOTHING, PARTNERS, [0.4, 0.6, 0.75])
    assert [(step.found, step.false) for step in found] == [(1, 1), (2 / 3, 2 / 3), (2 / 3, 0)]


def test_what_the_hash_proposes_counts_too() -> None:
    also = NOTHING.copy()
    also[2, 2] = also[2, 0] = True
    (step,) = proposals(COSINES, also, PARTNERS, [0.75])
    assert (step.found, step.false) == (1, 1 / 3)


def test_the_widest_threshold_is_the_lowest_that_keeps_false_candidates_few() -> None:
    ladder = [Proposals(0.4, 1.0, 1.0), Proposals(0.5, 0.9, 0.2), Proposals(0.6, 0.8, 0.1)]
    assert widest(ladder, 0.2) == ladder[1]
    assert widest(ladder, 0.05) is None


def test_average_precision_is_that_of_all_pairs_in_one_row() -> None:
    # true at ranks 1, 2 and 6: (1/1 + 2/2 + 3/6) / 3
    assert micro_average_precision(COSINES, PARTNERS) == pytest.approx((1 + 1 + 0.5) / 3)


def test_pairs_of_one_cosine_count_at_once() -> None:
    cosines = np.array([[0.5, 0.5]], np.float32)
    assert micro_average_precision(cosines, np.array([0])) == pytest.approx(0.5)
    assert micro_average_precision(cosines, np.array([1])) == pytest.approx(0.5)


def test_recall_at_a_precision() -> None:
    assert recall_at_precision(COSINES, PARTNERS, 0.999) == pytest.approx(2 / 3)
    assert recall_at_precision(COSINES, PARTNERS, 0.5) == 1
    assert recall_at_precision(1 - COSINES, PARTNERS, 0.9) == 0


def test_recall_at_a_rate_of_false_pairs() -> None:
    assert recall_at_false_rate(COSINES, PARTNERS, 0.0) == pytest.approx(2 / 3)
    assert recall_at_false_rate(COSINES, PARTNERS, 3 / 6) == 1
    assert recall_at_false_rate(COSINES, PARTNERS, 1.0) == 1
