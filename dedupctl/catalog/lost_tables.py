"""Tables missing from a catalog. What was read from the disk can be read again; what a person said cannot."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, delete, insert, inspect, select, update

from dedupctl.catalog.engine import Database
from dedupctl.catalog.migrate import HEAD, revision_of
from dedupctl.catalog.schema import (
    CATALOG_ID,
    contents,
    embedding_models,
    embeddings,
    files,
    imported_contents,
    map_points,
    meta,
    metadata,
    pairs,
    perceptual_hashes,
    reported_contents,
    runs,
)

REFILLABLE = frozenset(
    table.name
    for table in (
        meta,
        contents,
        files,
        imported_contents,
        perceptual_hashes,
        embedding_models,
        embeddings,
        pairs,
        runs,
        map_points,
        reported_contents,
    )
)
"""Tables that may be recreated empty: the next scan fills them."""


def lost_tables(path: Path) -> list[str]:
    """Names of the tables missing from a catalog with this version's schema; empty if there is no such catalog.

    Raises:
        StoreDamaged, StoreError: the catalog cannot be read at all.
    """
    if not path.exists() or is_empty(path):
        return []
    with closing(Database(path)) as database, database.read() as connection:
        return _missing(connection) if revision_of(connection) == HEAD else []


def make_again(path: Path) -> list[str]:
    """Recreate the lost tables that a scan can fill; returns the names of those that only a backup can restore.

    The caller holds the workspace's lock.
    """
    with closing(Database(path)) as database, database.write(durable=True) as connection:
        lost = set(_missing(connection))
        made = [table for table in metadata.sorted_tables if table.name in lost & REFILLABLE]
        metadata.create_all(connection, made)
        _drop_dangling_references(connection, {table.name for table in made})
    return sorted(lost - REFILLABLE)


def _missing(connection: Connection) -> list[str]:
    existing = set(inspect(connection).get_table_names())
    return [table.name for table in metadata.sorted_tables if table.name not in existing]


def _drop_dangling_references(connection: Connection, made: set[str]) -> None:
    """Drop rows that refer to a lost table: its ids start at 1 again, so they would come to refer to other rows."""
    if contents.name in made:
        for table in (files, imported_contents, perceptual_hashes, embeddings, pairs, map_points, reported_contents):
            connection.execute(delete(table))
    if embedding_models.name in made:
        for table in (embeddings, map_points):
            connection.execute(delete(table))
    if pairs.name in made:
        connection.execute(update(contents).values(matched_at=None))
    if imported_contents.name in made:  # it is no longer known which contents were read on this machine
        known = select(contents.c.id).where(contents.c.id.not_in(select(imported_contents.c.content_id)))
        connection.execute(insert(imported_contents).from_select(["content_id"], known))
    if made:  # labels may be assigned again: a snapshot of the vector index with the old ones must not be loaded
        connection.execute(delete(meta).where(meta.c.key == CATALOG_ID))


def is_empty(path: Path) -> bool:
    """The file exists but contains no table.

    Raises:
        StoreDamaged, StoreError: it is not a database, or it cannot be read.
    """
    if not path.exists():
        return False
    if path.stat().st_size == 0 and not path.with_name(f"{path.name}-wal").exists():
        return True  # decided without opening the file, because opening it would write a header
    with closing(Database(path)) as database, database.read() as connection:
        return not inspect(connection).get_table_names()
