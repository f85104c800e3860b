"""Two contents and how they are related: the kinds, the evidence, the pair, and a person's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PairKind(StrEnum):
    """How two Contents are related, strongest promise first."""

    EXACT = "exact"
    PIXEL = "pixel"
    NEAR = "near"
    SIMILAR = "similar"

    @property
    def strength(self) -> int:
        """Rank by promise, 0 = `exact`. The rank of a chain of pairs is the largest rank in it."""
        return list(PairKind).index(self)


class Verdict(StrEnum):
    """What a person said about two contents; it overrules every proof."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Transform:
    """How A's picture is placed in B. `matrix` (3 x 3, row-major) maps points of A to points of B, both in pixels of
    the full-size pictures, where (0, 0) is the outer corner of the first pixel."""

    matrix: tuple[float, ...]
    scale: float
    """Linear size of the picture in B relative to A, in pixels."""
    rotation: float
    """Degrees clockwise, -180 to 180, after mirroring."""
    mirrored: bool
    visible_in_a: tuple[float, float, float, float]
    """Box (left, top, right, bottom) of A that is visible in B, in fractions of A."""
    visible_in_b: tuple[float, float, float, float]
    """Box (left, top, right, bottom) of B that shows A, in fractions of B."""

    @property
    def in_perspective(self) -> bool:
        """Parallel lines of A do not stay parallel in B."""
        return self.matrix[6] != 0.0 or self.matrix[7] != 0.0


@dataclass(frozen=True, slots=True)
class Photometric:
    """Contrast and brightness of B relative to A in the shared region: grey_b = gain * grey_a + offset (grey 0-255)."""

    gain: float
    offset: float


@dataclass(frozen=True, slots=True)
class Closer:
    """The result of a closer look at both files: aligned, at up to 1,200 px; counts are numbers of windows."""

    windows: int
    """Windows that both pictures fill; with fewer than 8 nothing else was measured."""
    natural_a: float | None = None
    """Share of the windows with detail in which A has the many tones and the noise of a photo. The rest is drawn:
    letters, lines, cells, icons."""
    natural_b: float | None = None
    differing: int | None = None
    """Windows in which the two show different things, or in which a background was painted over."""
    redrawn: int | None = None
    """Windows of half the side in which the strokes differ; these decide between two drawn pictures."""
    moved: int | None = None
    """Windows of half the side where something moved: they differ, and nothing was drawn or overlaid there."""
    relit: float | None = None
    """Difference in lighting or tone at the typical pixel, in grey levels."""
    each_sharper: float | None = None
    """Share of windows in which one picture is clearly sharper, for the picture with fewer of them: 0 for one side of a
    copy, more for both of two focal planes."""
    kept: float | None = None
    """Share of the fine detail (noise, grain, sharpest edges) that both show, relative to what saving and scaling
    allow: 1 for copies, near 0 for two exposures that share nothing but light. None if saving left too little to
    tell."""
    kept_low: float | None = None
    """The same in the quarter of the windows that share least."""
    fine_windows: int | None = None
    """Number of windows on which `kept` is based."""
    loss_known: bool | None = None
    """What saving took from both is known, so that little of their grain may be missing."""
    moments: str | None = None
    """What the cameras recorded: "one" moment, or two that differ in "times", "settings", "numbers" or "cameras";
    None if nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every number on which the judgement of one pair is based. What was not measured is None; shares are 0-1.

    The shared region is where the two pictures overlap once one is aligned with the other; a window of it is textured
    if either picture has detail there.
    """

    method: str
    """What decided: "bytes", "stream", "pixels", "correlation", "orb", "sift" or "verdict"; "vector" if none did."""
    hash_distance: int | None = None
    """Smallest pHash distance over the eight orientations, in bits of 64."""
    cosine: float | None = None
    """Largest cosine between any region of one picture and any region of the other."""
    inliers: int | None = None
    residual: float | None = None
    """Median reprojection error of the inliers, in pixels of the small pictures."""
    windows: int | None = None
    """Textured windows that were compared."""
    agreement: float | None = None
    """Share of these windows in which both show the same detail."""
    agreement_elsewhere: float | None = None
    """The same, outside the replaced region."""
    differing: float | None = None
    """Share of these windows in which the two certainly show different things."""
    writing: float | None = None
    """Share of the detail that is letters, digits and lines, in the picture with less of it: 1 for two pages of text.
    None if nothing differs."""
    replaced: float | None = None
    """Share of the shared region taken up by the largest area in which the two show different things: an emoji, a
    caption, or an entirely different picture in the same frame."""
    replaced_is_bar: bool | None = None
    """That area runs across the whole picture, as a caption bar does."""
    shading: float | None = None
    """Correlation of the windows' brightness outside that area, -1 to 1."""
    low_ncc: float | None = None
    """10th percentile of the local normalised cross-correlation of textured windows outside the replaced region."""
    typical_ncc: float | None = None
    """Median of the same values: .95 or more for copies, lower for two shots that merely resemble each other."""
    overlap_a: float | None = None
    """Share of A's total area that B covers."""
    overlap_b: float | None = None
    covered_a: float | None = None
    """Share of A's detail that B covers; borders and plain backgrounds do not count."""
    covered_b: float | None = None
    plain_a: float | None = None
    """Share of the area of A outside B that has a single grey level: nearly all of a border, most of a page, little of
    a scene. None if next to nothing lies outside B."""
    plain_b: float | None = None
    beyond_a: float | None = None
    """How far B extends beyond the frame of A, as a multiple of A's longer side."""
    beyond_b: float | None = None
    transform: Transform | None = None
    photometric: Photometric | None = None
    closer: Closer | None = None
    """Measured if all other evidence indicates a copy and both files could be read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two Contents (a < b) and how they are related. `kind` is None if they were compared and found unrelated."""

    a: int
    b: int
    kind: PairKind | None
    score: float
    """How certain the judgement is, 0-1; comparable within one kind."""
    evidence: Evidence
