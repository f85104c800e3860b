"""Contents: one row for each distinct content, with its facts and its perceptual hashes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.ids import next_id
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import contents, files, perceptual_hashes
from dedupctl.domain import Content, FileState, Fingerprint, PictureFacts


class Contents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, fingerprints: Sequence[Fingerprint]) -> list[int]:
        """Store all of each fingerprint except the vectors; returns the new ids. `matched_at` stays NULL."""
        if not fingerprints:
            return []
        first = next_id(self._connection, contents)
        ids = list(range(first, first + len(fingerprints)))
        rows = [_values(content_id, fingerprint) for content_id, fingerprint in zip(ids, fingerprints, strict=True)]
        hashes = [
            {"content_id": content_id, "algorithm": name, "bits": bits}
            for content_id, fingerprint in zip(ids, fingerprints, strict=True)
            for name, bits in fingerprint.hashes.items()
        ]
        self._connection.execute(insert(contents), rows)
        self._connection.execute(insert(perceptual_hashes), hashes)
        return ids

    def id_of(self, digest: bytes) -> int | None:
        query = select(contents.c.id).where(contents.c.digest == digest)
        return self._connection.execute(query).scalar_one_or_none()

    def ids_of(self, digests: Collection[bytes]) -> dict[bytes, int]:
        """The ids of these digests, without those that are unknown."""
        query = select(contents.c.digest, contents.c.id)
        return {
            digest: content_id
            for part in chunked(digests)
            for digest, content_id in self._connection.execute(query.where(contents.c.digest.in_(part)))
        }

    def get(self, content_ids: Collection[int]) -> dict[int, Content]:
        found: dict[int, Content] = {}
        for part in chunked(content_ids):
            rows = self._connection.execute(_SELECT.where(contents.c.id.in_(part)))
            found |= {row.id: _content(row) for row in rows}
        return found

    def following(self, above: int, limit: int) -> list[Content]:
        """The next contents with an id above `above`, in order of id."""
        query = _SELECT.where(contents.c.id > above).order_by(contents.c.id).limit(limit)
        return [_content(row) for row in self._connection.execute(query)]

    def held(self) -> Iterator[tuple[bytes, int]]:
        """(digest, id) of every content that a present file holds, in order of id, streamed."""
        present = exists().where(files.c.content_id == contents.c.id, files.c.state == FileState.PRESENT)
        query = select(contents.c.digest, contents.c.id).where(present).order_by(contents.c.id)
        yield from ((row.digest, row.id) for row in self._connection.execute(query))

    def unmatched(self, limit: int, above: int = 0) -> list[int]:
        """Contents with an id above `above` that have not been compared with the others yet, in order of id."""
        query = select(contents.c.id).where(contents.c.matched_at.is_(None), contents.c.id > above)
        return list(self._connection.execute(query.order_by(contents.c.id).limit(limit)).scalars())

    def mark_matched(self, content_ids: Iterable[int], at: int) -> None:
        rows = [{"content": content_id} for content_id in content_ids]
        if rows:
            change = update(contents).where(contents.c.id == bindparam("content")).values(matched_at=at)
            self._connection.execute(change, rows)

    def forget_matching(self, content_ids: Collection[int] | None = None) -> None:
        """Have these contents, or all, compared again: another model or threshold proposes other candidates."""
        change = update(contents).values(matched_at=None)
        if content_ids is None:
            self._connection.execute(change)
            return
        for part in chunked(content_ids):
            self._connection.execute(change.where(contents.c.id.in_(part)))

    def sharing_stream(self, content_ids: Collection[int]) -> dict[int, set[int]]:
        """For each content, itself and all others with the same JPEG image stream."""
        one, other = contents.alias(), contents.alias()
        query = select(one.c.id, other.c.id).join(other, one.c.stream_digest == other.c.stream_digest)
        found: dict[int, set[int]] = {content_id: {content_id} for content_id in content_ids}
        for part in chunked(content_ids):
            for content_id, other_id in self._connection.execute(query.where(one.c.id.in_(part))):
                found[content_id].add(other_id)
        return found

    def with_stream(self, stream_digest: bytes) -> set[int]:
        """Contents whose JPEG image stream has this digest."""
        query = select(contents.c.id).where(contents.c.stream_digest == stream_digest)
        return set(self._connection.execute(query).scalars())

    def hashes(self, algorithm: str, above: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Ids and 64-bit hashes of all non-flat contents with an id above `above`, in order of id."""
        query = (
            select(contents.c.id, perceptual_hashes.c.bits)
            .join(perceptual_hashes)
            .where(perceptual_hashes.c.algorithm == algorithm, contents.c.id > above, ~contents.c.flat)
            .order_by(contents.c.id)
        )
        rows = self._connection.execute(query).all()
        ids = np.fromiter((row.id for row in rows), np.int64, len(rows))
        return ids, _packed([row.bits for row in rows])

    def hash_of(self, content_ids: Collection[int], algorithm: str) -> Mapping[int, bytes]:
        hashed = perceptual_hashes.c
        query = select(hashed.content_id, hashed.bits).where(hashed.algorithm == algorithm)
        return {
            content_id: bits
            for part in chunked(content_ids)
            for content_id, bits in self._connection.execute(query.where(hashed.content_id.in_(part)))
        }

    def orientations(self, content_ids: Collection[int]) -> Mapping[int, bytes]:
        """The pHashes of each of these contents in its eight orientations, 8 bytes each.

        Raises:
            StoreDamaged: a content has none.
        """
        found = self.hash_of(content_ids, "phash8")
        for content_id in content_ids:
            _require_hash(content_id, found.get(content_id), EIGHT_HASHES_BYTES)
        return found

    def count(self) -> int:
        return int(self._connection.execute(select(func.count()).select_from(contents)).scalar_one())

    def count_unmatched(self) -> int:
        query = select(func.count()).select_from(contents).where(contents.c.matched_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def forget_unheld(self) -> int:
        """Drop contents that no File row refers to, with their hashes, vectors and pairs; returns how many."""
        held = exists().where(files.c.content_id == contents.c.id)
        return self._connection.execute(delete(contents).where(~held)).rowcount


HASH_BYTES = 8
EIGHT_HASHES_BYTES = 8 * HASH_BYTES
_SELECT = select(contents, perceptual_hashes.c.bits).join(
    perceptual_hashes,
    (perceptual_hashes.c.content_id == contents.c.id) & (perceptual_hashes.c.algorithm == "phash"),
    isouter=True,
)


@decodes_rows_of("perceptual_hashes")
def _packed(hashes: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    if any(len(bits) != HASH_BYTES for bits in hashes):  # one of another length would shift all that follow it
        raise ValueError(f"a pHash must have {HASH_BYTES} bytes")
    return np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64)


@decodes_rows_of("perceptual_hashes")
def _require_hash(content_id: int, bits: bytes | None, length: int) -> bytes:
    if bits is None or len(bits) != length:
        raise ValueError(f"content {content_id} has no pHash of {length} bytes")
    return bits


def _values(content_id: int, fingerprint: Fingerprint) -> dict[str, Any]:
    facts = fingerprint.facts
    return {
        "id": content_id,
        "digest": fingerprint.digest,
        "size": fingerprint.size,
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "orientation": facts.orientation,
        "taken_at": facts.taken_at,
        "camera": facts.camera,
        "exif_tags": facts.exif_tags,
        "has_gps": facts.has_gps,
        "stream_digest": fingerprint.stream_digest,
        "flat": fingerprint.flat,
    }


def _content(row: Row[Any]) -> Content:
    bits = _require_hash(row.id, row.bits, HASH_BYTES)
    facts = PictureFacts(
        format=row.format,
        width=row.width,
        height=row.height,
        orientation=row.orientation,
        taken_at=row.taken_at,
        camera=row.camera,
        exif_tags=row.exif_tags,
        has_gps=row.has_gps,
    )
    return Content(row.id, row.digest, row.size, facts, row.stream_digest, row.flat, bits)
