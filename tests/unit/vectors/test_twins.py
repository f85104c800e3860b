from __future__ import annotations

import numpy as np

from dedupctl.vectors.twins import Twins, groups_of_equals


def test_a_label_is_found_at_its_node_until_it_is_dropped() -> None:
    twins = Twins({})
    twins.attach(8, 3)
    twins.attach(9, 3)
    assert twins.nodes(np.array([3, 8, 9, 4])).tolist() == [3, 3, 3, 4]
    assert twins.drop(8) == 3
    assert twins.of(3) == (9,)
    assert twins.drop(9) == 3
    assert twins.by_node() == {}


def test_a_label_that_hangs_nowhere_is_its_own_node() -> None:
    assert Twins({}).drop(5) == 5
    assert Twins({5: [6]}).drop(5) == 5


def test_rows_that_differ_in_the_seventh_digit_only_are_equal() -> None:
    row = np.array([0.25, -0.5, 0.75, 0.0], np.float32)
    other = np.array([0.26, -0.5, 0.75, 0.0], np.float32)
    noise = np.array([1e-7, 1e-7, -1e-7, -1e-9], np.float32)
    assert groups_of_equals(np.stack([other, row, row + noise, row, other])).tolist() == [0, 1, 1, 1, 0]
