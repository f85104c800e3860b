from __future__ import annotations

import pytest

from dedupctl.domain import Evidence, Transform
from dedupctl.matching.derivation import b_was_made


def evidence(
    overlap_a: float, overlap_b: float, scale: float = 1.0, plain_a: float | None = None, plain_b: float | None = None
) -> Evidence:
    transform = Transform((scale, 0, 0, 0, scale, 0, 0, 0, 1), scale, 0, False, (0, 0, 1, 1), (0, 0, 1, 1))
    return Evidence(
        "orb", overlap_a=overlap_a, overlap_b=overlap_b, plain_a=plain_a, plain_b=plain_b, transform=transform
    )


def swapped(one: Evidence) -> Evidence:
    """The same evidence with the two told in the other order."""
    assert one.overlap_a is not None
    assert one.overlap_b is not None
    assert one.transform is not None
    return evidence(one.overlap_b, one.overlap_a, 1 / one.transform.scale, one.plain_b, one.plain_a)


MADE = {
    "a crop shows a part": evidence(0.6, 1.0, plain_a=0.1),
    "a crop that was enlarged to the size of its original": evidence(0.87, 1.0, 1.1, plain_a=0.2),
    "a crop next to a smaller copy of its original": evidence(0.91, 1.0, 2.2, plain_a=0.2),
    "a crop of what stands on a ground of its own, told before grounds were measured": evidence(0.6, 1.0),
    "a border surrounds the whole": evidence(1.0, 0.8, plain_b=1.0),
    "a screenshot surrounds it, with words, and shows it larger": evidence(1.0, 0.5, 1.4, plain_b=0.8),
    "pasted on another photo, it is smaller": evidence(1.0, 0.3, 0.5, plain_b=0.1),
    "a rotation in its frame fills the corners it cuts off": evidence(0.87, 0.87, plain_a=0.1, plain_b=1.0),
    "of a crop with something around it, less is seen": evidence(0.5, 0.8, plain_a=0.1, plain_b=0.1),
}


@pytest.mark.parametrize("case", MADE.values(), ids=MADE)
def test_what_was_made_is_known_whichever_comes_first(case: Evidence) -> None:
    assert b_was_made(case) is True
    assert b_was_made(swapped(case)) is False


@pytest.mark.parametrize(
    "case",
    [evidence(1.0, 1.0, 0.5), evidence(0.98, 0.99), evidence(0.87, 0.88), Evidence("verdict"), Evidence("pixels")],
    ids=["a smaller copy", "a pixel at the edge", "both cut alike", "a verdict", "no transform"],
)
def test_of_two_that_show_the_same_neither_is_known_to_be_made(case: Evidence) -> None:
    assert b_was_made(case) is None
