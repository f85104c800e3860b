"""The nouns. Frozen values without any I/O, spoken by every room: what they mean stands here once.

Paths are bytes, because a file name on Linux is bytes and nothing else. Coordinates are pixels of the picture as it is
shown (after EXIF orientation), origin at the upper left, unless a docstring says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
GrayArray: TypeAlias = npt.NDArray[np.uint8]
IntArray: TypeAlias = npt.NDArray[np.int64]


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


class FileState(StrEnum):
    """What is known of one path."""

    PRESENT = "present"
    """Seen at the last look, and its content is in the catalog."""
    ERROR = "error"
    """Seen at the last look, but no picture could be read from it; not tried again until the file changes."""
    GONE = "gone"
    """Not there at the last look at an online root; kept so that a return costs nothing."""


_LARGEST = 2**63 - 1


class Identity(NamedTuple):
    """What `stat` says of a file: equal identities mean that the bytes need not be read again.

    A tuple, because a visit of an unchanged library compares nothing else, 60,000 times in half a second.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        # SQLite's integers are signed 64-bit. Some network filesystems use all 64 bits of an inode number, and a broken
        # clock or header sets dates after 2262, which most filesystems keep.
        inode, mtime_ns = status.st_ino & _LARGEST, min(status.st_mtime_ns, _LARGEST)
        return cls(status.st_dev, inode, status.st_size, mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Root:
    """A watched directory. `marker` is the token in `<root>/.dedupctl/root-id`, None where the root is read-only."""

    id: int
    path: bytes
    device: int
    marker: str | None
    reference: bool = False
    """Files under a reference root are preferred as keepers."""


@dataclass(frozen=True, slots=True)
class File:
    """One path as last seen. `path` is relative to its root."""

    id: int
    root_id: int
    path: bytes
    identity: Identity
    state: FileState
    content_id: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture says of itself, read from its header and its one decode."""

    format: str
    """Pillow's name of the container, by content and not by extension: "JPEG", "HEIF", "PNG", ..."""
    width: int
    height: int
    """Full size in pixels as shown, after EXIF orientation."""
    orientation: int = 1
    """EXIF orientation 1-8 as stored in the file."""
    taken_at: str | None = None
    """EXIF capture time as ISO 8601 without zone."""
    camera: str | None = None
    exif_tags: int = 0
    """How many EXIF tags it carries: the richer copy is the better keeper."""
    has_gps: bool = False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that one decode of one file yields; what a worker process sends back."""

    digest: bytes
    """BLAKE3 of all bytes, 32 bytes."""
    size: int
    facts: PictureFacts
    stream_digest: bytes | None
    """BLAKE3 of a JPEG's image stream without metadata segments; None for other formats."""
    flat: bool
    """A single colour or a blank page: carries no information, matches only exactly."""
    hashes: Mapping[str, bytes]
    """Packed bits by algorithm name; "phash" is always there (8 bytes, big endian)."""
    vectors: FloatArray
    """Shape (parts, dim), float32, unit length. Row 0 is the whole picture, further rows are its inner parts."""
    thumbnail: bytes
    """A small JPEG as shown, in colour: feeds proofs and reports, so originals are never read again."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The typed outcome for a file no picture can be read from. `code` is stable, `message` is for people."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Content:
    """One distinct byte content, as the catalog knows it."""

    id: int
    digest: bytes
    size: int
    facts: PictureFacts
    stream_digest: bytes | None
    flat: bool
    phash: bytes


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


@dataclass(frozen=True, slots=True)
class Pair:
    """Two Contents (a < b) and what they are. `kind` None: compared and found to be nothing to each other."""

    a: int
    b: int
    kind: PairKind | None
    score: float
    """0-1: how sure the judgement is, comparable within one kind."""
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Member:
    """One File in a Cluster. `kind`, `score` and `evidence` are those of its own pair with the keeper."""

    file_id: int
    path: bytes
    """Absolute."""
    root_id: int
    content: Content
    identity: Identity
    kind: PairKind
    score: float
    evidence: Evidence | None
    """None for the keeper itself and for files of the keeper's own content."""
    proven: bool = True
    """It has an accepted pair of its own with the keeper (or is of its content); only then may a rule remove it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Files joined by accepted Pairs: derived from them, never the truth. The keeper is `members[0]`."""

    id: int
    """The smallest content id in it, so that it keeps its number while that content lives."""
    kind: PairKind
    """The weakest kind among the members' own pairs with the keeper."""
    members: tuple[Member, ...]
    reclaimable_bytes: int
    """Bytes that removing all but the keeper would free; hard links to one inode count once."""
    weakest: tuple[int, int] | None = None
    """Content ids of the weakest joining pair, where a member has no accepted pair with the keeper."""

    @property
    def keeper(self) -> Member:
        return self.members[0]


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one visit of the roots found and what it cost."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    gone: int = 0
    errors: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    """CPU or wall seconds by stage, named by the stage."""
