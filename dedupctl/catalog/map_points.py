"""The position of each picture on the map, stored so that the next map looks like the last one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.embeddings import Embeddings
from dedupctl.catalog.schema import contents, embeddings, files, map_points
from dedupctl.domain import FileState, FloatArray

PointArray = npt.NDArray[np.float64]
"""Shape (n, 2): x and y in the units of the t-SNE space."""


class MapPoints:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mappable(self, model_id: int) -> list[int]:
        """Contents with a present file and a vector of this model, in order of digest.

        A digest is as good as a random number that never changes, so the first n contents are a fair sample, and
        nearly the same sample after the library has grown.
        """
        held = exists().where(files.c.content_id == contents.c.id, files.c.state == FileState.PRESENT)
        query = (
            select(contents.c.id)
            .join(embeddings)
            .where(embeddings.c.model_id == model_id, embeddings.c.part == 0, ~contents.c.flat, held)
            .order_by(contents.c.digest)
        )
        return list(self._connection.execute(query).scalars())

    def vectors(self, model_id: int, content_ids: Sequence[int]) -> FloatArray:
        """The whole-picture vectors of these contents, in the same order; shape (n, dim), unit length.

        Raises:
            KeyError: a content has no vector of this model.
        """
        labels: dict[int, int] = {}
        for part in chunked(content_ids):
            query = select(embeddings.c.content_id, embeddings.c.id).where(
                embeddings.c.model_id == model_id, embeddings.c.part == 0, embeddings.c.content_id.in_(part)
            )
            labels |= {row.content_id: row.id for row in self._connection.execute(query)}
        return Embeddings(self._connection).vectors([labels[content_id] for content_id in content_ids])

    def of(self, model_id: int, content_ids: Collection[int]) -> dict[int, tuple[float, float]]:
        """The stored position of each of these contents that has one."""
        found: dict[int, tuple[float, float]] = {}
        for part in chunked(content_ids):
            query = select(map_points.c.content_id, map_points.c.x, map_points.c.y).where(
                map_points.c.model_id == model_id, map_points.c.content_id.in_(part)
            )
            found |= {row.content_id: (row.x, row.y) for row in self._connection.execute(query)}
        return found

    def put(self, model_id: int, content_ids: Sequence[int], points: PointArray) -> None:
        """Store where these contents were drawn, replacing any earlier position."""
        rows = [
            {"model_id": model_id, "content_id": content_id, "x": float(x), "y": float(y)}
            for content_id, (x, y) in zip(content_ids, points, strict=True)
        ]
        if not rows:
            return
        row = insert(map_points)
        moved = {"x": row.excluded.x, "y": row.excluded.y}
        self._connection.execute(row.on_conflict_do_update(index_elements=["model_id", "content_id"], set_=moved), rows)
