"""What is said of two pictures, word for word."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dedupctl.domain import (
    Closer,
    Content,
    Evidence,
    Identity,
    Member,
    Pair,
    PairKind,
    Photometric,
    PictureFacts,
    Transform,
)
from dedupctl.matching.sentence import in_words, sentence


def content(content_id: int, width: int = 4000, height: int = 3000, size: int = 900_000, kind: str = "JPEG") -> Content:
    return Content(content_id, b"", size, PictureFacts(kind, width, height), None, False, b"\0" * 8)


A, B = content(1), content(2, size=899_000)
LIGHTER = content(2, size=300_000)
HALF = content(2, 2000, 1500, size=225_000)


def turned(degrees: float = 0, scale: float = 1, mirrored: bool = False, **changes: object) -> Transform:
    matrix = np.vstack([cv2.getRotationMatrix2D((0, 0), -degrees, scale), [0, 0, 1]])
    matrix = matrix @ np.diag([-1 if mirrored else 1, 1, 1])
    whole = (0.0, 0.0, 1.0, 1.0)
    made = Transform(tuple(matrix.ravel().tolist()), scale, degrees, mirrored, whole, whole)
    return replace(made, **changes)  # type: ignore[arg-type]


def near(transform: Transform | None = None, **changes: object) -> Evidence:
    shown = {"overlap_a": 1.0, "overlap_b": 1.0, "covered_a": 1.0, "covered_b": 1.0, "agreement": 1.0}
    given = {
        "agreement_elsewhere": 1.0,
        "replaced": 0.0,
        "shading": 1.0,
        "photometric": Photometric(1.0, 0.0),
        "closer": Closer(windows=300),
    }
    return Evidence(method="orb", transform=transform or turned(), **{**shown, **given, **changes})  # type: ignore[arg-type]


def said(evidence: Evidence, a: Content = A, b: Content = B, kind: PairKind | None = PairKind.NEAR) -> str:
    return sentence(Pair(a.id, b.id, kind, 0.9, evidence), a, b)


@pytest.mark.parametrize(
    ("words", "evidence", "b"),
    [
        ("B is A saved again", near(), B),
        ("B is A saved again at lower quality", near(), LIGHTER),
        ("B is A saved as WEBP", near(), content(2, size=300_000, kind="WEBP")),
        ("B is A reduced to 50%", near(turned(scale=0.5)), content(2, 2000, 1500, 225_000)),
        ("B is A cropped to 62%, saved again at lower quality", near(overlap_a=0.62, plain_a=0.1), LIGHTER),
        (
            "B is A cropped to 62%, rotated 25° clockwise, saved again at lower quality",
            near(turned(25), overlap_a=0.62, plain_a=0.1),
            LIGHTER,
        ),
        ("B is A mirrored", near(turned(mirrored=True)), B),
        ("B is A flipped upside down", near(turned(180, mirrored=True)), B),
        ("B is A rotated 180°", near(turned(-180)), B),
        ("B is A rotated 90° to the left", near(turned(-90)), B),
        ("B is A mirrored, rotated 90° clockwise", near(turned(90, mirrored=True)), B),
        (
            "B is A rotated 25° to the left, with filled corners",
            near(turned(-25), overlap_b=0.56, plain_b=1.0),
            content(2, 4900, 4400),
        ),
        (
            "B is A rotated 15° clockwise, with its corners cut off and filled",
            near(turned(15), overlap_a=0.87, overlap_b=0.87, plain_a=0.1, plain_b=1.0),
            B,
        ),
        ("B is A with a plain border (20% of the area)", near(overlap_b=0.8, plain_b=1.0), content(2, 4400, 3400)),
        (
            "B is A with a page or frame around it (20% of the area)",
            near(overlap_b=0.8, plain_b=0.8),
            content(2, 4000, 3750),
        ),
        (
            "B is A enlarged to 108%, with a page or frame around it (55% of the area), saved as PNG",
            near(turned(scale=1.08), overlap_b=0.45, plain_b=0.85),
            content(2, 4320, 8000, kind="PNG"),
        ),
        ("B shows A on 23% of its area, reduced to 39%", near(turned(scale=0.39), overlap_b=0.23, plain_b=0.1), B),
        (
            "B is A seen in perspective, on a plain ground (23% of the area)",
            near(turned(scale=0.86, matrix=(1, 0, 0, 0, 1, 0, 1e-5, 0, 1)), overlap_b=0.77, plain_b=1.0),
            B,
        ),
        ("B is A with something else on 7% of it", near(replaced=0.07), B),
        ("B is A with a bar across 20% of it", near(replaced=0.2, replaced_is_bar=True), B),
        ("B is A brighter", near(photometric=Photometric(1.3, 0.0)), B),
        ("B is A darker", near(photometric=Photometric(0.7, 0.0)), B),
        ("B is A with more contrast", near(photometric=Photometric(1.4, -50.0)), B),
        ("B is A brighter, with less contrast", near(photometric=Photometric(0.7, 70.0)), B),
        (
            "B is A stretched to other proportions, reduced to 87%",
            near(turned(scale=0.87, matrix=(0.75, 0, 0, 0, 1, 0, 0, 0, 1))),
            content(2, 3000, 3000, 675_000),
        ),
    ],
)
def test_the_change_is_named(words: str, evidence: Evidence, b: Content) -> None:
    assert said(evidence, A, b) == words


def test_what_shows_less_was_made_whichever_comes_first() -> None:
    crop = near(overlap_b=0.62, plain_b=0.1)
    assert said(crop, content(1), content(2, 5000, 4000)).startswith("A is B cropped to 62%")


def test_changes_are_told_from_the_source_to_what_was_made() -> None:
    turned_right = near(turned(25, 2.0), overlap_b=0.62, plain_b=0.1, photometric=Photometric(2.0, -60.0))
    assert (
        said(turned_right)
        == "A is B cropped to 62%, rotated 25° to the left, reduced to 50%, darker, with less contrast"
    )


def test_a_mirrored_turn_is_its_own_inverse() -> None:
    assert said(near(turned(90, mirrored=True)), content(1, size=10), B) == (
        "A is B mirrored, rotated 90° clockwise, saved again at lower quality"
    )


def test_of_two_that_show_the_same_the_smaller_was_made() -> None:
    assert said(near(turned(scale=2.0)), HALF, A) == "A is B reduced to 50%"
    assert said(near(), content(1, size=10), B) == "A is B saved again at lower quality"


@pytest.mark.parametrize(
    ("words", "kind", "evidence", "b"),
    [
        ("A and B hold the same bytes", PairKind.EXACT, Evidence("bytes"), B),
        ("B has the same pixels as A, with other metadata", PairKind.PIXEL, Evidence("stream"), B),
        ("B has the same pixels as A, saved another way", PairKind.PIXEL, Evidence("pixels"), B),
        (
            "B has the same pixels as A, as PNG instead of JPEG",
            PairKind.PIXEL,
            Evidence("pixels"),
            content(2, kind="PNG"),
        ),
        ("B is the same picture as A, by your verdict", PairKind.NEAR, Evidence("verdict"), B),
        (
            "A and B look alike (cosine 0.81), but no proof of a copy was found: "
            "no way was found to lay one on the other",
            PairKind.SIMILAR,
            Evidence("vector", cosine=0.81),
            B,
        ),
        ("A and B are different: light and shade do not agree", None, near(shading=-0.9), B),
        ("A and B are different: they were judged by other thresholds", None, near(), B),
    ],
)
def test_every_kind_has_its_words(words: str, kind: PairKind | None, evidence: Evidence, b: Content) -> None:
    assert said(evidence, A, b, kind) == words


def member(shown: Content, evidence: Evidence | None) -> Member:
    return Member(shown.id, b"/p", 1, shown, Identity(1, shown.id, 1, 0, 0), PairKind.NEAR, 0.9, evidence)


def test_a_member_is_told_by_its_keeper() -> None:
    assert in_words(member(A, None), member(HALF, near(turned(scale=0.5)))) == (
        "this picture is the keeper reduced to 50%"
    )


def test_a_keeper_that_was_made_from_a_member_is_told_so() -> None:
    crop = near(overlap_b=0.62, plain_b=0.1)
    assert in_words(member(content(1), None), member(content(2), crop)) == "the keeper is this picture cropped to 62%"


def test_a_member_with_the_larger_id_is_told_the_same_way() -> None:
    assert in_words(member(B, None), member(A, near(turned(90)))) == "the keeper is this picture rotated 90° clockwise"


def test_among_other_shots_there_is_no_keeper_to_tell_of() -> None:
    shot = replace(member(B, Evidence("vector", cosine=0.8)), kind=PairKind.SIMILAR)
    assert in_words(member(A, None), shot).startswith("the first picture and this picture look alike")


def test_members_without_a_pair_of_their_own_are_told() -> None:
    assert in_words(member(A, None), member(A, None)) == "it holds the very same bytes"
    assert in_words(member(A, None), member(B, None)) == "it is joined to the keeper by other pictures only"
