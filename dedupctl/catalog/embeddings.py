"""Embeddings: vectors that never change once stored. An embedding's id is its label in the vector index."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from sqlalchemy import Connection, Select, func, insert, select

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.ids import next_id
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import contents, embedding_models, embeddings
from dedupctl.domain import FloatArray, IntArray

STORED = np.dtype("<f2")
"""Half precision costs at most 0.0005 of cosine and halves the disk space."""


class Embeddings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known_model(self, key: str) -> int | None:
        """The row id of the model with this key, or None if it was never used."""
        query = select(embedding_models.c.id).where(embedding_models.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def model_id(self, key: str, dim: int) -> int:
        """The row id of the model with this key; a new model gets a row."""
        known = self.known_model(key)
        if known is not None:
            return known
        made = insert(embedding_models).values(key=key, dim=dim).returning(embedding_models.c.id)
        return int(self._connection.execute(made).scalar_one())

    def add(self, model_id: int, vectors: Mapping[int, FloatArray]) -> IntArray:
        """Store the vectors of each content's regions (row 0 = the whole picture); returns their labels, in order."""
        first = next_id(self._connection, embeddings)
        regions = [(content_id, region, row) for content_id, rows in vectors.items() for region, row in enumerate(rows)]
        labels = np.arange(first, first + len(regions), dtype=np.int64)
        rows = [
            {
                "id": int(label),
                "model_id": model_id,
                "content_id": content_id,
                "part": region,
                "vector": row.astype(STORED).tobytes(),
            }
            for label, (content_id, region, row) in zip(labels, regions, strict=True)
        ]
        if rows:
            self._connection.execute(insert(embeddings), rows)
        return labels

    def labels(self, model_id: int) -> IntArray:
        """Labels of every picture that can be a candidate. Flat pictures cannot: they carry no information."""
        query = select(embeddings.c.id).join(contents).where(embeddings.c.model_id == model_id, ~contents.c.flat)
        return np.array(self._connection.execute(query.order_by(embeddings.c.id)).scalars().all(), np.int64)

    def vectors(self, labels: Collection[int] | IntArray) -> FloatArray:
        """The vectors of these labels, in the same order; shape (n, dim), unit length.

        Raises:
            KeyError: a label is not in the catalog.
        """
        wanted = [int(label) for label in labels]
        found: dict[int, bytes] = {}
        for part in chunked(wanted):
            query = select(embeddings.c.id, embeddings.c.vector).where(embeddings.c.id.in_(part))
            found |= {row.id: row.vector for row in self._connection.execute(query)}
        return _decoded([found[label] for label in wanted])

    def of_contents(self, model_id: int, content_ids: Collection[int]) -> dict[int, list[tuple[int, FloatArray]]]:
        """(label, vector) of each region of each content."""
        query = (
            select(embeddings.c.content_id, embeddings.c.id, embeddings.c.vector)
            .where(embeddings.c.model_id == model_id)
            .order_by(embeddings.c.content_id, embeddings.c.part)
        )
        found: dict[int, list[tuple[int, FloatArray]]] = {}
        for part in chunked(content_ids):
            for content_id, label, vector in self._connection.execute(query.where(embeddings.c.content_id.in_(part))):
                found.setdefault(content_id, []).append((label, _decoded([vector])[0]))
        return found

    def labels_of(self, content_ids: Collection[int]) -> IntArray:
        """Labels of all vectors of these contents, whatever the model."""
        query = select(embeddings.c.id)
        found = [
            label
            for part in chunked(content_ids)
            for label in self._connection.execute(query.where(embeddings.c.content_id.in_(part))).scalars()
        ]
        return np.array(found, np.int64)

    def owners(self, labels: Collection[int]) -> dict[int, int]:
        """The content each label belongs to."""
        query = select(embeddings.c.id, embeddings.c.content_id)
        return {
            label: content_id
            for part in chunked(labels)
            for label, content_id in self._connection.execute(query.where(embeddings.c.id.in_(part)))
        }

    def missing(self, model_id: int) -> Iterator[int]:
        """Contents without a vector of this model, in order of id."""
        query = select(contents.c.id).where(contents.c.id.not_in(_embedded(model_id))).order_by(contents.c.id)
        yield from self._connection.execute(query).scalars()

    def count_missing(self, model_id: int) -> int:
        query = select(func.count()).select_from(contents).where(contents.c.id.not_in(_embedded(model_id)))
        return int(self._connection.execute(query).scalar_one())

    def fullest_model(self, preferred: int) -> int:
        """The model that has embedded the most pictures; `preferred` unless another has embedded more."""
        query = select(embeddings.c.model_id, func.count()).where(embeddings.c.part == 0)
        embedded: dict[int, int] = dict(self._connection.execute(query.group_by(embeddings.c.model_id)).all())
        fullest = max(embedded, key=lambda model_id: embedded[model_id], default=preferred)
        return preferred if embedded.get(preferred, 0) >= embedded.get(fullest, 0) else fullest

    def count(self, model_id: int) -> int:
        query = select(func.count()).select_from(embeddings).where(embeddings.c.model_id == model_id)
        return int(self._connection.execute(query).scalar_one())


def _embedded(model_id: int) -> Select[tuple[int]]:
    return select(embeddings.c.content_id).where(embeddings.c.model_id == model_id, embeddings.c.part == 0)


@decodes_rows_of("embeddings")
def _decoded(blobs: list[bytes]) -> FloatArray:
    """Half-precision vectors as float32, normalised to unit length again."""
    if not blobs:
        return np.empty((0, 0), np.float32)
    if len({len(blob) for blob in blobs}) != 1:
        raise ValueError("two vectors of one model have different dimensions")
    vectors = np.frombuffer(b"".join(blobs), STORED).astype(np.float32).reshape(len(blobs), -1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all((lengths > 0) & np.isfinite(lengths)):
        raise ValueError("a vector has no direction")
    vectors /= lengths
    return vectors
