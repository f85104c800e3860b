"""One encoding: a line of the file that transfers what was read from a picture from one catalog to another.

Such a file may come from anywhere, so a line is accepted only if the catalog, the index and the proof can use all of
its values. It remains an unverified claim even then: see `catalog/imported_contents`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from dedupctl.catalog.embeddings import STORED
from dedupctl.domain import Content, Fingerprint, FloatArray, PictureFacts
from dedupctl.errors import DedupctlError
from dedupctl.fingerprint.embedder import ModelIdentity
from dedupctl.fingerprint.regions import MOST_REGIONS
from dedupctl.fingerprint.thumbnail import thumbnail_fault

MOST_LINE_BYTES = 1 << 20
"""The longest line accepted. A line with the largest thumbnail takes half of it."""
_UNIT_TOLERANCE = 0.01
"""Half precision changes the length of a vector by at most 0.0005."""

_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Side = Annotated[int, Field(ge=1, lt=2**31)]
_Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
_Bits = Annotated[bytes, Field(min_length=1, max_length=1024)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]


class LineRefused(DedupctlError):
    """A line that this catalog cannot accept as an encoding; the text gives the reason."""


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Annotated[str, Field(min_length=1)]
    width: _Side
    height: _Side
    orientation: Annotated[int, Field(ge=1, le=8)]
    taken_at: str | None
    camera: str | None
    exif_tags: _Whole
    has_gps: bool


class Encoding(BaseModel):
    """One line of the file. Bytes are written in base64."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    digest: _Digest
    size: _Whole
    facts: _Facts
    stream_digest: _Digest | None
    flat: bool
    hashes: dict[_Name, _Bits]
    model: str
    """Key of the embedding model that made the vectors."""
    vectors: Annotated[tuple[bytes, ...], Field(min_length=1, max_length=MOST_REGIONS)]
    """One vector per region, in little-endian half precision."""
    thumbnail: Annotated[bytes, Field(min_length=1)]

    @classmethod
    def of(
        cls, content: Content, hashes: dict[str, bytes], vectors: list[FloatArray], model: str, thumbnail: bytes
    ) -> Encoding:
        """What this catalog knows of a content."""
        return cls(
            digest=content.digest,
            size=content.size,
            facts=_Facts(**dataclasses.asdict(content.facts)),
            stream_digest=content.stream_digest,
            flat=content.flat,
            hashes=hashes,
            model=model,
            vectors=tuple(vector.astype(STORED).tobytes() for vector in vectors),
            thumbnail=thumbnail,
        )


def read_line(line: str | bytes, model: ModelIdentity) -> Fingerprint:
    """The fingerprint that a line claims.

    Raises:
        LineRefused: the line is not an encoding, comes from another embedding model, or holds unusable values.
    """
    if len(line) > MOST_LINE_BYTES:
        raise LineRefused(f"it is longer than {MOST_LINE_BYTES:,} bytes")
    try:
        read = Encoding.model_validate_json(line)
    except ValidationError as error:
        raise LineRefused(_first_fault(error)) from error
    if read.model != model.key:
        raise LineRefused("it was made by another embedding model; its vectors mean nothing here")
    _require_hashes(read.hashes)
    if (fault := thumbnail_fault(read.thumbnail)) is not None:
        raise LineRefused(f"thumbnail: {fault}")
    return Fingerprint(
        digest=read.digest,
        size=read.size,
        facts=PictureFacts(**read.facts.model_dump()),
        stream_digest=read.stream_digest,
        flat=read.flat,
        hashes=read.hashes,
        vectors=_vectors(read.vectors, model.dim),
        thumbnail=read.thumbnail,
    )


def _require_hashes(hashes: dict[str, bytes]) -> None:
    eight = hashes.get("phash8", b"")
    if len(eight) != 64 or hashes.get("phash") != eight[:8]:
        raise LineRefused("hashes: phash has 8 bytes, and phash8 those and 56 more")


def _vectors(parts: tuple[bytes, ...], dim: int) -> FloatArray:
    if any(len(part) != dim * STORED.itemsize for part in parts):
        raise LineRefused(f"vectors: each has {dim * STORED.itemsize} bytes with this embedding model")
    vectors = np.frombuffer(b"".join(parts), STORED).astype(np.float32).reshape(len(parts), dim)
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(lengths - 1.0) <= _UNIT_TOLERANCE):  # also refuses NaN
        raise LineRefused("vectors: each has the length 1")
    return vectors


def _first_fault(error: ValidationError) -> str:
    """The location and the fault. Unknown keys are escaped so that no terminal interprets them."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(json.dumps(str(part))[1:-1] for part in first["loc"])[:80]
    return f"{where}: {first['msg']}" if where else first["msg"]
