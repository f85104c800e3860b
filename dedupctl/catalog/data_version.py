"""Has anybody written to the catalog? Asked every second by whoever shows it, and answered without reading a table."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class DataVersion:
    """SQLite's own counter of commits by other connections, on a connection that is used for nothing else."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)

    def current(self) -> int:
        """A number that differs from the last one if anybody has committed in between.

        https://www.sqlite.org/pragma.html#pragma_data_version
        """
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        self._connection.close()
