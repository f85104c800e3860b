"""What a file holds once it was read: its facts, its fingerprint, its content, or why it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]


GrayArray: TypeAlias = npt.NDArray[np.uint8]


IntArray: TypeAlias = npt.NDArray[np.int64]


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
    sketches: bytes | None = None
    """Its strongest local features, see `matching.sketch`; None where nobody has drawn them yet."""


_PASSING = frozenset({"crash", "timeout", "memory", "io"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The typed outcome for a file no picture can be read from. `code` is stable, `message` is for people."""

    code: str
    message: str

    @property
    def may_pass(self) -> bool:
        """It may have been the machine's fault and not the file's: another program took the memory, or killed it."""
        return self.code in _PASSING

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
