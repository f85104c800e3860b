"""Whether anybody has written to the catalog: asked every second by whatever shows it, without reading any table."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class DataVersion:
    """SQLite's own counter of commits by other connections, read on a connection that is used for nothing else."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)

    def current(self) -> int:
        """A number that changes whenever another connection commits.

        https://www.sqlite.org/pragma.html#pragma_data_version
        """
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        self._connection.close()
