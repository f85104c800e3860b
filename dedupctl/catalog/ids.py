"""Ids assigned in advance, so that many rows and the rows that refer to them are inserted with one statement each."""

from __future__ import annotations

from sqlalchemy import Connection, Table


def next_id(connection: Connection, table: Table) -> int:
    """The first id that this AUTOINCREMENT table has never used. Call it inside the write transaction that uses it."""
    query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    used = connection.exec_driver_sql(query, (table.name,)).scalar_one_or_none()
    return int(used or 0) + 1
