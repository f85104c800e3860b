"""Two contents and what they are to each other: the kinds, the evidence, the pair, and a person's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PairKind(StrEnum):
    """What two Contents are to each other, strongest promise first."""

    EXACT = "exact"
    PIXEL = "pixel"
    NEAR = "near"
    SIMILAR = "similar"

    @property
    def strength(self) -> int:
        """Rank by promise, 0 = `exact`; a chain of pairs is worth its largest rank."""
        return list(PairKind).index(self)


class Verdict(StrEnum):
    """What a person said about two contents; it overrules every proof."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Transform:
    """How the picture of A came to lie in B. `matrix` maps points of A to points of B (3 x 3, row-major), both in
    pixels of the full pictures, where (0, 0) is the outer corner of the first pixel."""

    matrix: tuple[float, ...]
    scale: float
    """Linear size of B's picture over A's, in pixels of each."""
    rotation: float
    """Degrees clockwise, -180 to 180, after mirroring."""
    mirrored: bool
    visible_in_a: tuple[float, float, float, float]
    """Box (left, top, right, bottom) of A that can be seen in B, in fractions of A."""
    visible_in_b: tuple[float, float, float, float]
    """Box of B that shows A, in fractions of B."""

    @property
    def in_perspective(self) -> bool:
        """Parallel lines of A do not stay parallel in B."""
        return self.matrix[6] != 0.0 or self.matrix[7] != 0.0


@dataclass(frozen=True, slots=True)
class Photometric:
    """Brightness and contrast of B over A on the shared part: grey_b = gain * grey_a + offset (grey in 0-255)."""

    gain: float
    offset: float


@dataclass(frozen=True, slots=True)
class Closer:
    """What a closer look at both files shows, at up to 1,200 px, one laid on the other; counts are of windows."""

    windows: int
    """Windows that both fill; with fewer than 8 nothing else was measured."""
    natural_a: float | None = None
    """Share of the windows with detail in which A shows it as photos do, with many tones and noise; the rest is drawn:
    letters, lines, cells, icons."""
    natural_b: float | None = None
    differing: int | None = None
    """Windows in which the two show different things, or a ground that was painted over."""
    redrawn: int | None = None
    """Windows of half the side in which the strokes are others; what counts between two drawn pictures."""
    moved: int | None = None
    """Windows of regions that differ without being drawn in one of the two or seen through: something moved there."""
    relit: float | None = None
    """Grey levels by which one was lit or toned otherwise than the other, at the typical pixel."""
    each_sharper: float | None = None
    """Share of windows in which one is clearly sharper, of the side that has fewer: in a copy one side has none, of two
    focal planes each has its own."""
    kept: float | None = None
    """Share of the fine detail (noise, grain, sharpest edges) that both show, of what saving and scaling allow: 1 for
    copies, near 0 for two exposures that share nothing but light. None where saving left too little to say."""
    kept_low: float | None = None
    """The same in the quarter of the windows that share least."""
    fine_windows: int | None = None
    """Windows that `kept` rests on."""
    moments: str | None = None
    """What the cameras wrote: "one" moment; or two, by "times", "settings", "numbers" or "cameras"; None: nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every number the judgement of one pair rests on. What was not measured is None; shares are 0-1.

    The shared part is where both pictures lie once one is laid on the other; its windows count as textured if either
    picture has detail there.
    """

    method: str
    """What decided: "bytes", "stream", "pixels", "correlation", "orb", "sift" or "verdict"; "vector" if none did."""
    hash_distance: int | None = None
    """Smallest pHash distance over the eight orientations, in bits of 64."""
    cosine: float | None = None
    """Largest cosine over the parts of both pictures."""
    inliers: int | None = None
    residual: float | None = None
    """Median distance of the inliers from the transform, in pixels of the small pictures."""
    windows: int | None = None
    """Textured windows that were compared."""
    agreement: float | None = None
    """Share of them in which both show the same detail."""
    agreement_elsewhere: float | None = None
    """The same without the replaced region."""
    differing: float | None = None
    """Share of them in which the two show different things for certain."""
    writing: float | None = None
    """Share of detail that is letters, numbers and lines, in the picture that has less of it: 1 for two pages of text.
    None where nothing differs."""
    replaced: float | None = None
    """Share of the shared part taken by the largest region in which the two show different things: an emoji, a caption,
    or quite another picture in the same frame."""
    replaced_is_bar: bool | None = None
    """That region runs across the whole picture, as a caption bar does."""
    shading: float | None = None
    """Correlation of the windows' brightness outside that region, -1 to 1."""
    low_ncc: float | None = None
    """10th percentile of the local normalised cross-correlation of textured windows outside the replaced region."""
    typical_ncc: float | None = None
    """Their median: .95 and more for copies, lower where two shots only resemble each other."""
    overlap_a: float | None = None
    """Share of A's whole area that B covers."""
    overlap_b: float | None = None
    covered_a: float | None = None
    """Share of A's detail that B covers: borders and plain grounds do not count."""
    covered_b: float | None = None
    plain_a: float | None = None
    """Share of what lies outside B in A that is of one grey: nearly all of a border, most of a page, little of a scene.
    None where next to nothing lies outside."""
    plain_b: float | None = None
    beyond_a: float | None = None
    """How far B reaches beyond the frame of A, in longer sides of A."""
    beyond_b: float | None = None
    transform: Transform | None = None
    photometric: Photometric | None = None
    closer: Closer | None = None
    """Measured where everything before it speaks for a copy and both files could be read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two Contents (a < b) and what they are. `kind` None: compared and found to be nothing to each other."""

    a: int
    b: int
    kind: PairKind | None
    score: float
    """0-1: how sure the judgement is, comparable within one kind."""
    evidence: Evidence
