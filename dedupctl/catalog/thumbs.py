"""Thumbnails and sketches, in a separate file: a cache that may be deleted, keyed by digest, so no id goes stale."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dedupctl.catalog.engine import translated, use_write_ahead_log
from dedupctl.errors import StoreDamaged
from dedupctl.modes import make_file

THUMBS_NAME = "thumbs.db"
_BATCH = 500
BUSY_SECONDS = 3.0
"""Waiting for a lock cannot be interrupted by a signal. Only the indexer writes here, so nobody holds it for long."""
_Table: TypeAlias = Literal["thumbs", "sketches"]


class Thumbs:
    """Small colour JPEGs and sketches of local features, by content digest.

    A damaged cache is thrown away: nothing in it is worth an error.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the cache at `path`.

        Raises:
            StoreError: it cannot be used: no permission, disk full, locked for too long. Every method can raise this.
        """
        self._path = path
        try:
            self._connection = _open(path)
        except StoreDamaged:
            self._connection = _recreate(path)

    def put(self, jpegs: Mapping[bytes, bytes]) -> None:
        self._put("thumbs", jpegs)

    def get(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """The thumbnails in the cache. A missing one is not an error: the caller does without it or makes a new one."""
        return self._get("thumbs", digests)

    def put_sketches(self, sketches: Mapping[bytes, bytes]) -> None:
        self._put("sketches", sketches)

    def sketches(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """The sketches in the cache, as `matching.sketch` writes them. A missing one is drawn from the thumbnail."""
        return self._get("sketches", digests)

    def _put(self, table: _Table, values: Mapping[bytes, bytes]) -> None:
        try:
            self._insert(table, values)
        except StoreDamaged:
            self._start_over()
            self._insert(table, values)

    def _get(self, table: _Table, digests: Collection[bytes]) -> dict[bytes, bytes]:
        try:
            return dict(self._rows(table, "*", list(digests)))
        except StoreDamaged:
            self._start_over()
            return {}

    def held(self, digests: Collection[bytes]) -> set[bytes]:
        """Which of these contents have a thumbnail."""
        try:
            return {digest for (digest,) in self._rows("thumbs", "digest", list(digests))}
        except StoreDamaged:
            self._start_over()
            return set()

    def close(self) -> None:
        self._connection.close()

    def _insert(self, table: _Table, values: Mapping[bytes, bytes]) -> None:
        with translated(self._path), self._connection:
            insert = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608 - a name of ours
            self._connection.executemany(insert, values.items())

    def _rows(self, table: _Table, columns: str, wanted: list[bytes]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            query = f"SELECT {columns} FROM {table} WHERE digest IN ({marks})"  # noqa: S608 - our own names
            with translated(self._path):
                found += self._connection.execute(query, part).fetchall()
        return found

    def _start_over(self) -> None:
        self._connection.close()
        self._connection = _recreate(self._path)


def _recreate(path: Path) -> sqlite3.Connection:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    make_file(path)
    with translated(path):
        connection = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_SECONDS)
        try:
            use_write_ahead_log(connection, path)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS thumbs (digest BLOB PRIMARY KEY, jpeg BLOB NOT NULL)")
            connection.execute("CREATE TABLE IF NOT EXISTS sketches (digest BLOB PRIMARY KEY, features BLOB NOT NULL)")
        except BaseException:
            connection.close()
            raise
        return connection
