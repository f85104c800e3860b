from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dedupctl import errors
from dedupctl.catalog import engine
from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import Database
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import load_config
from dedupctl.errors import (
    ConfigError,
    DedupctlError,
    LockHeld,
    StoreDamaged,
    StoreError,
    StoreNewer,
    StoreUnavailable,
    UsageError,
)
from dedupctl.workspace import Workspace, hold


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = dict(re.findall(r"(\w+)\s+(\d)\s", errors.__doc__ or ""))

    classes = {cls.__name__: str(cls.exit_code) for cls in _subclasses(DedupctlError)}
    assert drawn == classes


def _subclasses(cls: type[DedupctlError]) -> Iterator[type[DedupctlError]]:
    if cls.__module__ == errors.__name__:
        yield cls
    for below in cls.__subclasses__():
        yield from _subclasses(below)


@pytest.mark.parametrize(
    ("cls", "parent"),
    [
        (UsageError, DedupctlError),
        (ConfigError, UsageError),
        (LockHeld, DedupctlError),
        (StoreError, DedupctlError),
        (StoreDamaged, StoreError),
        (StoreNewer, StoreError),
        (StoreUnavailable, StoreError),
    ],
)
def test_each_error_hangs_where_the_tree_says(cls: type[DedupctlError], parent: type[DedupctlError]) -> None:
    assert cls.__bases__ == (parent,)


# --- foreign exceptions: none gets out untranslated ------------------------------------------------------------------


def no_database(home: Path) -> None:
    (home / "catalog.db").write_bytes(b"a shopping list\n" * 400)
    Catalog.open(home / "catalog.db")


def damaged_page(home: Path) -> None:
    path = home / "catalog.db"
    with Catalog.open(path) as catalog, catalog.write() as tx:
        for number in range(2000):
            tx.meta.put(f"key {number}", "x" * 100)
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    with Catalog.open(path) as catalog, catalog.read() as tx:
        tx.meta.get("key 1")


def locked(home: Path) -> None:
    with database(home) as held, database(home) as waiting, held.write(), waiting.write():
        pass


def full_disk(home: Path) -> None:
    with database(home) as small, small.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 2")
        connection.exec_driver_sql("CREATE TABLE numbers (number BLOB)")
        connection.exec_driver_sql("INSERT INTO numbers VALUES (zeroblob(100000))")


def broken_rule(home: Path) -> None:
    with database(home) as strict, strict.write() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER NOT NULL)")
        connection.exec_driver_sql("INSERT INTO numbers VALUES (NULL)")


def home_is_missing(home: Path) -> None:
    Catalog.open(home / "missing" / "catalog.db")


def folder_in_the_way(home: Path) -> None:
    (home / "catalog.db").mkdir()
    Catalog.open(home / "catalog.db")


def read_only(home: Path) -> None:
    with database(home) as store, store.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER)")


def newer(home: Path) -> None:
    Catalog.open(home / "catalog.db").close()
    with closing(sqlite3.connect(home / "catalog.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    Catalog.open(home / "catalog.db")


def thumbs_without_a_home(home: Path) -> None:
    Thumbs(home / "missing" / "thumbs.db")


def bad_toml(home: Path) -> None:
    (home / "config.toml").write_text("[")
    load_config(home)


def bad_key(home: Path) -> None:
    (home / "config.toml").write_text("typo = 1")
    load_config(home)


def held_lock(home: Path) -> None:
    with hold(home / "lock", "indexing"), hold(home / "lock", "indexing"):
        pass


def nothing_indexed(home: Path) -> None:
    with Workspace.open(home):
        pass


@contextmanager
def database(home: Path) -> Iterator[Database]:
    with closing(Database(home / "store.db")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("mishap", "expected"),
    [
        (no_database, StoreDamaged),
        (damaged_page, StoreDamaged),
        (locked, StoreUnavailable),
        (full_disk, StoreUnavailable),
        (broken_rule, StoreError),
        (home_is_missing, StoreUnavailable),
        (folder_in_the_way, StoreUnavailable),
        (read_only, StoreUnavailable),
        (newer, StoreNewer),
        (thumbs_without_a_home, StoreUnavailable),
        (bad_toml, ConfigError),
        (bad_key, ConfigError),
        (held_lock, LockHeld),
        (nothing_indexed, UsageError),
    ],
)
def test_a_mishap_is_one_clear_line_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mishap: Callable[[Path], None], expected: type[DedupctlError]
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 10)

    with pytest.raises(DedupctlError) as caught:
        mishap(tmp_path)

    assert type(caught.value) is expected
    assert str(tmp_path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "sqlite3." not in str(caught.value)
