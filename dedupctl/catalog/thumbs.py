"""Thumbnails in a file of their own: a cache that may be deleted, keyed by digest so that no id can go stale."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from dedupctl.catalog.engine import BUSY_TIMEOUT_MS

THUMBS_NAME = "thumbs.db"
_BATCH = 500


class Thumbs:
    """Small colour JPEGs by content digest."""

    def __init__(self, path: Path) -> None:
        self._connection = _open(path)

    def put(self, jpegs: Mapping[bytes, bytes]) -> None:
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO thumbs VALUES (?, ?)", jpegs.items())

    def get(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """The thumbnails that are there; a missing one is no error, the caller does without or makes it anew."""
        found: dict[bytes, bytes] = {}
        wanted = list(digests)
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            query = f"SELECT digest, jpeg FROM thumbs WHERE digest IN ({marks})"  # noqa: S608 - only question marks
            found |= dict(self._connection.execute(query, part))
        return found

    def close(self) -> None:
        self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    """A cache that cannot be read is thrown away: nothing in it is worth an error."""
    try:
        return _connect(path)
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS thumbs (digest BLOB PRIMARY KEY, jpeg BLOB NOT NULL)")
    except BaseException:
        connection.close()
        raise
    return connection
