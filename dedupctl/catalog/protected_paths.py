"""Protected paths: the files and folders that may never be removed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.schema import protected_paths


class ProtectedPaths:
    """Absolute paths that may never be removed: files, or folders with everything in them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, paths: Collection[bytes], at: int) -> None:
        rows = [{"path": path, "added_at": at} for path in paths]
        if rows:
            self._connection.execute(insert(protected_paths).on_conflict_do_nothing(), rows)

    def remove(self, paths: Collection[bytes]) -> int:
        """Unprotect these paths; returns how many of them were protected."""
        removal = delete(protected_paths)
        return sum(
            self._connection.execute(removal.where(protected_paths.c.path.in_(part))).rowcount
            for part in chunked(paths)
        )

    def all(self) -> list[bytes]:
        return list(self._connection.execute(select(protected_paths.c.path).order_by(protected_paths.c.path)).scalars())
