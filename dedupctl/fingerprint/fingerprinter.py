"""Puts the room together: one reading and one decode of a file give everything the catalog keeps of it."""

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
from dedupctl.fingerprint.outcome import DEFAULT_LIMITS, MAX_MEMORY, Limits, outcome_of, quietly
from dedupctl.fingerprint.parts import MOST_PARTS, with_parts
from dedupctl.fingerprint.perceptual import is_flat, low_coefficients, other_hash, phash8, reduced

THUMBNAIL_SIDE = 320
"""Longer side in pixels: enough for the proof (which works at 256) and for a report."""
THUMBNAIL_QUALITY = 85
IN_MEMORY_BYTES = 64 << 20
"""Files up to this size are read once, into memory; larger ones are digested as a stream and read again to decode."""
KEPT_BLOCKS = 4
"""16 MB blocks that Pillow keeps for the next picture: fresh pages cost a third of the decode of a small photo."""


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read: which content it has and, unless that content was known, its fingerprint."""

    identity: Identity
    digest: bytes
    fingerprint: Fingerprint | None


class Fingerprinter:
    """Reads files. One a process: it holds the embedding model, and sets Pillow's memory for many pictures in a row."""

    def __init__(self, config: Config) -> None:
        self._max_pixels = config.scan.max_megapixels * 1_000_000
        self._other_hashes = [name for name in config.hashes.algorithms if name != "phash"]
        self._embedder = Embedder(config.model)
        self._is_loaded = False
        Image.core.set_blocks_max(KEPT_BLOCKS)  # type: ignore[attr-defined]

    def load(self) -> None:
        """Load the model now, and not with the first picture. Raises ConfigError or StoreDamaged, as `read`."""
        if not self._is_loaded:
            self._embedder.load(1 + MOST_PARTS)
            self._is_loaded = True

    def read(
        self,
        path: bytes,
        is_known: Callable[[bytes], bool] | None = None,
        expected: Identity | None = None,
        memory: int = MAX_MEMORY,
    ) -> Read | Unreadable:
        """Digest a file and, unless `is_known` says that its digest is, decode it and make its fingerprint.

        Never raises for what a file may be. The codes of `Unreadable` are those of `opening.outcome_of`, and
        "no-embedding" for a picture that the model gives no vector for.

        Args:
            expected: the identity with which the file was found; another one is "changed".
            memory: bytes that decoding it may take; more is "memory".

        Raises:
            DedupctlError: the embedding model, or what `is_known` asks, cannot be used, which no file is to blame for.
        """
        try:
            with quietly():
                return self._read(path, is_known, expected, Limits(self._max_pixels, memory))
        except EmbeddingError as error:
            return Unreadable("no-embedding", str(error))
        except DedupctlError:
            raise
        except Exception as error:  # decoders raise whatever they like; a bad file must never stop a scan
            return outcome_of(error)

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
        """The vectors of a picture whose thumbnail is kept, by the configured model; shape (parts, dim).

        Raises:
            ConfigError, StoreDamaged, EmbeddingError: as `Embedder.embed`.
        """
        return self._vectors(Image.open(io.BytesIO(thumbnail)).convert("RGB"))

    def _vectors(self, view: Image.Image) -> FloatArray:
        """Row 0 is the whole picture; its parts follow."""
        return self._embedder.embed(with_parts(view))


def thumbnail_of(path: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes | Unreadable:
    """The thumbnail of a file, made anew."""
    try:
        with quietly(), open_steady(path) as (file, _):
            return _jpeg(thumbnail_view(load_small(file, limits).image))
    except Exception as error:  # decoders raise whatever they like
        return outcome_of(error)


def thumbnail_view(image: Image.Image) -> Image.Image:
    """The picture at thumbnail size, never enlarged.

    Everything is taken from it, not from the larger small picture: three resamplings of that would cost more than the
    decode, and copies of different sizes get closer vectors this way (mean cosine to a half-size copy 0.993, from the
    small picture 0.983).
    """
    scale = THUMBNAIL_SIDE / max(image.size)
    if scale >= 1:
        return image
    return image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BILINEAR
    )


def _stream_digest(file: BinaryIO, small: SmallPicture) -> bytes | None:
    """Only of what is in memory: a JPEG of more than IN_MEMORY_BYTES is compared by its pixels, if ever."""
    if small.facts.format not in {"JPEG", "MPO"} or not isinstance(file, io.BytesIO):
        return None
    return jpeg_stream_digest(file.getbuffer(), small.facts.orientation)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()
