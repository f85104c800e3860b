"""What the last report showed, so that the next one can say what has changed since."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select

from dedupctl.catalog.schema import files, reported_contents
from dedupctl.domain import FileState


class ReportedContents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def clusters(self) -> dict[int, int]:
        """The cluster in which each content was shown, by content id; a content may have left the catalog since."""
        query = select(reported_contents.c.content_id, reported_contents.c.cluster_id)
        return {row.content_id: row.cluster_id for row in self._connection.execute(query)}

    def remember(self, cluster_of: Mapping[int, int]) -> None:
        """Store what this report shows in place of what the previous one showed."""
        self._connection.execute(delete(reported_contents))
        rows = [{"content_id": content, "cluster_id": cluster} for content, cluster in cluster_of.items()]
        if rows:
            self._connection.execute(insert(reported_contents), rows)

    def newest_file(self) -> int:
        """The largest file id. Ids only grow, so files with a larger id were added later."""
        return int(self._connection.execute(select(func.coalesce(func.max(files.c.id), 0))).scalar_one())

    def came_and_went(self, newest_file: int, since: int) -> tuple[int, int]:
        """How many present files were first seen after `newest_file`, and how many older ones vanished since `since`.

        `since` is in seconds since 1970.
        """
        came = select(func.count()).where(files.c.id > newest_file, files.c.state == FileState.PRESENT)
        went = select(func.count()).where(
            files.c.id <= newest_file, files.c.state == FileState.GONE, files.c.gone_at >= since
        )
        return int(self._connection.execute(came).scalar_one()), int(self._connection.execute(went).scalar_one())
