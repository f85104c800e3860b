"""Fingerprinting a file: reading it once and decoding it once yields everything that the catalog stores about it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from blake3 import blake3
from PIL import Image

from dedupctl.config import Config
from dedupctl.domain import Fingerprint, FloatArray, Identity, Unreadable
from dedupctl.errors import DedupctlError
from dedupctl.fingerprint.decode import SmallPicture, load_small
from dedupctl.fingerprint.digest import digest_stream, jpeg_stream_digest, open_steady
from dedupctl.fingerprint.embedder import Embedder, EmbeddingError
from dedupctl.fingerprint.perceptual import is_flat, low_coefficients, other_hash, phash8, reduced
from dedupctl.fingerprint.regions import MOST_REGIONS, with_regions
from dedupctl.fingerprint.unreadable import DEFAULT_LIMITS, MAX_MEMORY, Limits, ignoring_warnings, unreadable_from

THUMBNAIL_SIDE = 320
"""Longer side in pixels: enough for the proof, which works at 320, and for a report."""
THUMBNAIL_QUALITY = 85
IN_MEMORY_BYTES = 64 << 20
"""Files up to this size are read once, into memory. Larger ones are digested as a stream and read again to decode."""
KEPT_BLOCKS = 4
"""16 MB blocks that Pillow keeps for the next picture: fresh pages cost a third of decoding a small photo."""


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read: its digest and, unless its content was already known, its fingerprint."""

    identity: Identity
    digest: bytes
    fingerprint: Fingerprint | None


class Fingerprinter:
    """Reads files. One per process: it holds the embedding model and configures Pillow's memory for many pictures."""

    def __init__(self, config: Config) -> None:
        self._max_pixels = config.scan.max_megapixels * 1_000_000
        self._other_hashes = [name for name in config.hashes.algorithms if name != "phash"]
        self._embedder = Embedder(config.model)
        self._is_loaded = False
        Image.core.set_blocks_max(KEPT_BLOCKS)  # type: ignore[attr-defined]

    def load(self) -> None:
        """Load the model now and not with the first picture.

        Raises:
            ConfigError, StoreDamaged: as `Embedder.embed`.
        """
        if not self._is_loaded:
            self._embedder.load(MOST_REGIONS)
            self._is_loaded = True

    def read(
        self,
        path: bytes,
        is_known: Callable[[bytes], bool] | None = None,
        expected: Identity | None = None,
        memory: int = MAX_MEMORY,
    ) -> Read | Unreadable:
        """Digest a file and, unless `is_known` says that its digest is known, decode it and make its fingerprint.

        No file, whatever it contains, raises an exception. The codes of `Unreadable` are those of `unreadable_from`, or
        "no-embedding" for a picture for which the model yields no vector.

        Args:
            expected: the identity with which the file was found; if it has another one now, the code is "changed".
            memory: bytes that decoding may take; if it needs more, the code is "memory".

        Raises:
            DedupctlError: the embedding model or the store behind `is_known` cannot be used; no file is to blame.
        """
        try:
            with ignoring_warnings():
                return self._read(path, is_known, expected, Limits(self._max_pixels, memory))
        except EmbeddingError as error:
            return Unreadable("no-embedding", str(error))
        except DedupctlError:
            raise
        except Exception as error:  # decoders raise exceptions of any kind; a bad file must never stop a scan
            return unreadable_from(error)

    def _read(
        self, path: bytes, is_known: Callable[[bytes], bool] | None, expected: Identity | None, limits: Limits
    ) -> Read:
        with open_steady(path, expected) as (file, identity):
            if identity.size > IN_MEMORY_BYTES:
                digest = digest_stream(file)
                file.seek(0)
                return Read(identity, digest, self._unless_known(is_known, digest, identity.size, file, limits))
            data = file.read()
        digest = blake3(data).digest()
        return Read(identity, digest, self._unless_known(is_known, digest, identity.size, io.BytesIO(data), limits))

    def _unless_known(
        self, is_known: Callable[[bytes], bool] | None, digest: bytes, size: int, file: BinaryIO, limits: Limits
    ) -> Fingerprint | None:
        if is_known is not None and is_known(digest):
            return None
        small = load_small(file, limits)
        view = thumbnail_view(small.image)
        cells = reduced(view)
        eight = phash8(low_coefficients(cells))
        return Fingerprint(
            digest=digest,
            size=size,
            facts=small.facts,
            stream_digest=_stream_digest(file, small),
            flat=is_flat(view, cells),
            hashes={
                "phash": eight[:8],
                "phash8": eight,
                **{name: other_hash(name, view) for name in self._other_hashes},
            },
            vectors=self._vectors(view),
            thumbnail=_jpeg(view),
        )

    def vectors_of(self, thumbnail: bytes) -> FloatArray:
        """The vectors that the configured model yields for a picture, from its thumbnail; shape (regions, dim).

        Raises:
            ConfigError, StoreDamaged, EmbeddingError: as `Embedder.embed`.
        """
        return self._vectors(Image.open(io.BytesIO(thumbnail)).convert("RGB"))

    def _vectors(self, view: Image.Image) -> FloatArray:
        """Row 0 is the whole picture; its regions follow."""
        return self._embedder.embed(with_regions(view))


def thumbnail_of(path: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes | Unreadable:
    """A new thumbnail of a file."""
    try:
        with ignoring_warnings(), open_steady(path) as (file, _):
            return _jpeg(thumbnail_view(load_small(file, limits).image))
    except Exception as error:  # decoders raise exceptions of any kind
        return unreadable_from(error)


def thumbnail_view(image: Image.Image) -> Image.Image:
    """The picture reduced to thumbnail size, never enlarged.

    Everything is computed from this and not from the larger small picture: resampling that three times would cost more
    than the decode, and copies of different sizes get more similar vectors this way (mean cosine with a half-size copy
    0.993 instead of 0.983).
    """
    scale = THUMBNAIL_SIDE / max(image.size)
    if scale >= 1:
        return image
    return image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BILINEAR
    )


def _stream_digest(file: BinaryIO, small: SmallPicture) -> bytes | None:
    """Only for a file in memory: a JPEG larger than IN_MEMORY_BYTES is compared by its pixels, if at all."""
    if small.facts.format not in {"JPEG", "MPO"} or not isinstance(file, io.BytesIO):
        return None
    return jpeg_stream_digest(file.getbuffer(), small.facts.orientation)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()
