"""Encodings: what was read of pictures, carried to another catalog, which then need not decode them again.

JSON Lines: one content a line, known by the digest of its bytes, with its facts, hashes, vectors and thumbnail. Nothing
in it says where a file lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dedupctl.catalog.embeddings import STORED
from dedupctl.domain import Content, Fingerprint, PictureFacts
from dedupctl.errors import UsageError
from dedupctl.workspace import Workspace

CONTENTS_A_BATCH = 256
_Whole = Annotated[int, Field(ge=0)]


class Encoding(BaseModel):
    """One line of the file. Bytes are written in base64."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    digest: Annotated[bytes, Field(min_length=32, max_length=32)]
    size: _Whole
    facts: PictureFacts
    stream_digest: bytes | None
    flat: bool
    hashes: dict[str, bytes]
    model: str
    """Key of the embedding model that made the vectors."""
    vectors: Annotated[tuple[bytes, ...], Field(min_length=1)]
    """One a part, half precision, little endian."""
    thumbnail: Annotated[bytes, Field(min_length=1)]


def export_encodings(workspace: Workspace) -> Iterator[str]:
    """A line for every content that has its vectors and its thumbnail."""
    algorithms = ["phash", "phash8", *(name for name in workspace.config.hashes.algorithms if name != "phash")]
    above = 0
    while True:
        with workspace.catalog.read() as tx:
            contents = tx.contents.following(above, CONTENTS_A_BATCH)
            ids = [content.id for content in contents]
            hashes = {name: tx.contents.hash_of(ids, name) for name in algorithms}
            parts = tx.embeddings.of_contents(workspace.model_id, ids)
        if not contents:
            return
        above = ids[-1]
        thumbnails = workspace.thumbs.get([content.digest for content in contents])
        for content in contents:
            if content.id in parts and content.digest in thumbnails:
                vectors = tuple(vector.astype(STORED).tobytes() for _, vector in parts[content.id])
                known = {name: found[content.id] for name, found in hashes.items() if content.id in found}
                model, thumbnail = workspace.model.key, thumbnails[content.digest]
                yield _line(content, known, vectors, model, thumbnail)


def _line(content: Content, hashes: dict[str, bytes], vectors: tuple[bytes, ...], model: str, thumbnail: bytes) -> str:
    return Encoding(
        digest=content.digest,
        size=content.size,
        facts=content.facts,
        stream_digest=content.stream_digest,
        flat=content.flat,
        hashes=hashes,
        model=model,
        vectors=vectors,
        thumbnail=thumbnail,
    ).model_dump_json()


def import_encodings(workspace: Workspace, lines: Iterable[str]) -> tuple[int, int]:
    """Take in what is not known yet; the vector index follows at its next opening. Only for the holder of the lock.

    Returns how many contents were new, and how many were known. What was taken before a bad line stays.

    Raises:
        UsageError: a line is no encoding, or one of another embedding model (the line is named).
    """
    new = known = 0
    batch: list[Fingerprint] = []
    for number, line in enumerate(lines, start=1):
        batch.append(_fingerprint(workspace, number, line))
        if len(batch) == CONTENTS_A_BATCH:
            added = _take(workspace, batch)
            new, known, batch = new + added, known + len(batch) - added, []
    added = _take(workspace, batch)
    return new + added, known + len(batch) - added


def _fingerprint(workspace: Workspace, number: int, line: str) -> Fingerprint:
    try:
        read = Encoding.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"line {number} is no encoding: {where or 'it'}: {first['msg']}") from error
    if read.model != workspace.model.key:
        raise UsageError(f"line {number} was made by another embedding model; its vectors mean nothing here")
    width = workspace.model.dim * STORED.itemsize
    if any(len(vector) != width for vector in read.vectors) or len(read.hashes.get("phash8", b"")) != 64:
        raise UsageError(f"line {number} is no encoding: a vector or hash has the wrong length")
    vectors = np.frombuffer(b"".join(read.vectors), STORED).astype(np.float32).reshape(len(read.vectors), -1)
    return Fingerprint(
        digest=read.digest,
        size=read.size,
        facts=read.facts,
        stream_digest=read.stream_digest,
        flat=read.flat,
        hashes=read.hashes,
        vectors=vectors,
        thumbnail=read.thumbnail,
    )


def _take(workspace: Workspace, fingerprints: Sequence[Fingerprint]) -> int:
    """Store those whose content is not known; returns how many."""
    workspace.thumbs.put({one.digest: one.thumbnail for one in fingerprints})
    with workspace.catalog.write() as tx:
        known = tx.contents.ids_of([one.digest for one in fingerprints])
        fresh = list({one.digest: one for one in fingerprints if one.digest not in known}.values())
        ids = tx.contents.add(fresh)
        tx.embeddings.add(workspace.model_id, {i: one.vectors for i, one in zip(ids, fresh, strict=True)})
    return len(fresh)
