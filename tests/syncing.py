"""How the catalog was told to commit what it was given: watched at the statements themselves."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

FULL = 2
"""What `PRAGMA synchronous` answers where a commit waits for the disk."""
_CHANGE = re.compile(r"\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM) (\w+)", re.IGNORECASE)


@contextmanager
def recorded_changes(*tables: str) -> Iterator[list[tuple[str, int]]]:
    """(table, `PRAGMA synchronous` of its transaction) of every change that is made to these tables meanwhile."""
    found: list[tuple[str, int]] = []

    def hear(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        change = _CHANGE.match(statement)
        if change is not None and change[1] in tables:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            found.append((change[1], driver.execute("PRAGMA synchronous").fetchone()[0]))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
