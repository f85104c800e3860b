"""What is known about a file after reading it: its facts, fingerprint and content, or why it could not be read."""

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
    """What a picture says about itself, taken from its header and from the one decode."""

    format: str
    """Pillow's name for the container, told by content and not by extension: "JPEG", "HEIF", "PNG", ..."""
    width: int
    height: int
    """Full size in pixels as shown, after EXIF orientation."""
    orientation: int = 1
    """EXIF orientation 1-8, as stored in the file."""
    taken_at: str | None = None
    """EXIF capture time in ISO 8601, without a time zone."""
    camera: str | None = None
    exif_tags: int = 0
    """Number of EXIF tags: the copy with more of them is the better keeper."""
    has_gps: bool = False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that one decode of one file yields; a worker process sends it back."""

    digest: bytes
    """BLAKE3 of all bytes, 32 bytes."""
    size: int
    facts: PictureFacts
    stream_digest: bytes | None
    """BLAKE3 of a JPEG's image stream without metadata segments; None for other formats."""
    flat: bool
    """A single colour or a blank page: it carries no information and matches only exactly."""
    hashes: Mapping[str, bytes]
    """Packed bits by algorithm name; "phash" is always present (8 bytes, big endian)."""
    vectors: FloatArray
    """Shape (regions, dim), float32, unit length. Row 0 is the whole picture, the other rows are regions within it."""
    thumbnail: bytes
    """A small colour JPEG of the picture as shown. Proofs and reports use it, so that originals are not read again."""
    sketches: bytes | None = None
    """Its strongest local features, see `matching.sketch`; None if they have not been computed yet."""


_PASSING = frozenset({"crash", "timeout", "memory", "io"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The outcome for a file from which no picture can be read. `code` is stable, `message` is for people."""

    code: str
    message: str

    @property
    def may_pass(self) -> bool:
        """The cause may be the machine and not the file: another program took the memory or killed the decoder."""
        return self.code in _PASSING

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Content:
    """One distinct content (the same bytes), as stored in the catalog."""

    id: int
    digest: bytes
    size: int
    facts: PictureFacts
    stream_digest: bytes | None
    flat: bool
    phash: bytes
