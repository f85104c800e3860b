from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupctl.domain import Content, Evidence, PictureFacts, Transform
from dedupctl.matching.derivation import b_was_made, generations, made_from


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


# --- by size and bytes -----------------------------------------------------------------------------------------------


def content(width: int, size: int, form: str = "JPEG", *, camera: str | None = None, has_gps: bool = False) -> Content:
    facts = PictureFacts(form, width, width * 3 // 4, camera=camera, has_gps=has_gps)
    return Content(1, b"", size, facts, None, False, b"")


WHOLE = evidence(1.0, 1.0)
PIXELS = Evidence("pixels")
SAVED = {
    "enlarged and saved at quality 60": (WHOLE, content(2000, 900_000), content(4000, 1_200_000)),
    "reduced and saved at lower quality": (WHOLE, content(4000, 3_000_000), content(2000, 500_000)),
    "a JPEG reduced from HEIC": (WHOLE, content(4000, 1_800_000, "HEIF"), content(2000, 600_000)),
    "saved again at lower quality": (WHOLE, content(4000, 3_000_000), content(4000, 2_000_000)),
    "a PNG saved from a JPEG": (PIXELS, content(4000, 3_000_000), content(4000, 30_000_000, "PNG")),
    "a TIFF saved from HEIC": (PIXELS, content(4000, 3_000_000, "HEIF"), content(4000, 30_000_000, "TIFF")),
    "a crop whatever it weighs": (evidence(0.6, 1.0, plain_a=0.1), content(4000, 1), content(4000, 10**7)),
}


@pytest.mark.parametrize(("seen", "source", "made"), SAVED.values(), ids=SAVED)
def test_what_was_saved_from_the_other_is_known_whichever_comes_first(
    seen: Evidence, source: Content, made: Content
) -> None:
    other_way = Evidence("pixels") if seen.method == "pixels" else swapped(seen)
    assert made_from(seen, source, made) is True
    assert made_from(other_way, made, source) is False


UNKNOWN = {
    "of two sizes weighing as either may": (WHOLE, content(2000, 1_000_000), content(4000, 2_600_000)),
    "of one size and weight": (WHOLE, content(2000, 1_000_000), content(2000, 1_050_000)),
    "of formats that do not compare": (WHOLE, content(2000, 1_000_000, "WEBP"), content(4000, 900_000)),
    "of one size in two formats": (WHOLE, content(2000, 1_000_000, "HEIF"), content(2000, 900_000)),
    "of two lossless files": (PIXELS, content(2000, 1_000_000, "PNG"), content(2000, 900_000, "TIFF")),
    "after a verdict without a proof": (Evidence("verdict"), content(2000, 1_000_000), content(4000, 900_000)),
    "against the record of a camera": (
        WHOLE,
        content(4000, 3_000_000),
        content(4000, 2_000_000, camera="Canon", has_gps=True),
    ),
}


@pytest.mark.parametrize(("seen", "one", "other"), UNKNOWN.values(), ids=UNKNOWN)
def test_nothing_is_claimed(seen: Evidence, one: Content, other: Content) -> None:
    assert made_from(seen, one, other) is None


# --- generations -----------------------------------------------------------------------------------------------------


def test_each_making_adds_a_generation_by_the_longest_way() -> None:
    assert generations({2: {1}, 3: {2}, 4: {1, 3}, 6: {5}}) == {1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1}


def test_a_circle_proves_nothing_within_and_comes_after_what_it_was_made_from() -> None:
    assert generations({2: {1, 4}, 3: {2}, 4: {3}, 5: {3}}) == {1: 0, 2: 1, 3: 1, 4: 1, 5: 2}


def test_a_chain_of_any_length_is_followed() -> None:
    assert generations({number: {number - 1} for number in range(1, 20_000)})[19_999] == 19_999


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda edge: edge[0] != edge[1]), max_size=40))
def test_what_was_made_never_ranks_with_or_before_its_source_outside_a_circle(edges: set[tuple[int, int]]) -> None:
    sources: defaultdict[int, set[int]] = defaultdict(set)
    for made, source in edges:
        sources[made].add(source)
    found = generations(sources)
    for made, source in edges:
        if _reaches(sources, source, made):
            assert found[made] == found[source]
        else:
            assert found[made] > found[source]


def _reaches(sources: dict[int, set[int]], start: int, end: int) -> bool:
    """`end` is among all that `start` was made from, at any remove."""
    seen, waiting = set[int](), [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            waiting.extend(sources.get(here, ()))
    return False
