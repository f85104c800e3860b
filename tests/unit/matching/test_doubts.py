"""What a closer look holds against a copy, one measure at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dedupctl.domain import Closer, Evidence
from dedupctl.matching import doubts

COPY = Closer(
    windows=600,
    natural_a=0.8,
    natural_b=0.75,
    differing=0,
    redrawn=0,
    moved=0,
    relit=0.3,
    each_sharper=0.0,
    kept=0.99,
    kept_low=0.96,
    fine_windows=200,
    loss_known=True,
)
PAGE = replace(COPY, natural_a=0.02, natural_b=0.0, kept=0.99)


def doubt(closer: Closer | None, agreement: float = 1.0) -> str | None:
    return doubts.doubt(Evidence(method="orb", agreement_elsewhere=agreement, closer=closer))


def test_nothing_is_held_against_a_copy() -> None:
    assert doubt(COPY) is None


def test_without_a_closer_look_nothing_is_sure() -> None:
    assert "could not be looked at closely" in (doubt(None) or "")


@pytest.mark.parametrize("moments", ["times", "settings", "numbers", "cameras"])
def test_two_moments_are_two_shots_whatever_agrees(moments: str) -> None:
    assert doubt(replace(COPY, moments=moments)) is not None


def test_one_moment_is_no_doubt() -> None:
    assert doubt(replace(COPY, moments="one", moved=1, kept=0.5, relit=40.0)) is None


DOUBTS = {
    "one window of a page is another": (replace(PAGE, redrawn=1), "a place drawn otherwise"),
    "something moved": (replace(COPY, differing=4, moved=6), "something moved"),
    "something moved, whatever the grain says": (replace(COPY, moved=6, kept=1.0, kept_low=1.0), "something moved"),
    "something small moved": (replace(COPY, moved=1, kept=0.5, kept_low=0.2), "something moved"),
    "a bracket": (replace(COPY, relit=30.0, kept=0.6, kept_low=0.4), "the light is another"),
    "a focus stack": (replace(COPY, each_sharper=0.25, kept=0.5, kept_low=0.3), "each is sharper"),
}  # fmt: skip


@pytest.mark.parametrize(("closer", "why"), DOUBTS.values(), ids=DOUBTS)
def test_each_of_these_is_enough(closer: Closer, why: str) -> None:
    assert why in (doubt(closer) or "nothing")


def test_where_a_little_differs_grain_must_agree() -> None:
    assert "details differ a little" in (doubt(replace(COPY, kept=0.6, kept_low=0.3), agreement=0.9) or "")
    assert doubt(replace(COPY, kept=0.6, kept_low=0.3), agreement=0.99) is None


NO_DOUBTS = {
    "a page saved again": PAGE,
    "a photo with a caption": replace(COPY, redrawn=90, differing=40),
    "an emoji": replace(COPY, differing=60),
    "a speck on one exposure": replace(COPY, differing=1, moved=2, kept=0.99, kept_low=0.95),
    "a speck, and too little grain to tell": replace(COPY, moved=2, kept=None, kept_low=None),
    "relit and saved as WebP": replace(COPY, relit=30.0, kept=0.8, loss_known=False),
    "clipped highlights": replace(COPY, moved=6, relit=30.0),
    "relit by an editor": replace(COPY, relit=40.0),
    "relit, and saved too harshly to tell": replace(COPY, relit=40.0, kept=None, kept_low=None),
    "two frames in which nothing visible moved": replace(COPY, kept=0.2, kept_low=0.1),
    "too small to be looked at": Closer(windows=4),
}


@pytest.mark.parametrize("closer", NO_DOUBTS.values(), ids=NO_DOUBTS)
def test_these_are_still_copies(closer: Closer) -> None:
    assert doubt(closer) is None
