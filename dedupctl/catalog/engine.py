"""A SQLite connection that means what it says: explicit transactions, WAL, foreign keys, typed errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from dedupctl.errors import DedupctlError, StoreDamaged, StoreError
from dedupctl.modes import make_file

BUSY_TIMEOUT_MS = 60_000
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes; the extended ones have them in their lowest byte."""


class Database:
    """Opens connections to one SQLite file and hands them out as read or write transactions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args={"check_same_thread": False}
        )
        event.listen(self._engine, "connect", self._configure)
        event.listen(self._engine, "begin", _begin)

    def _configure(self, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # pysqlite begins a transaction before DML only, so a failing migration would leave tables behind; `_begin`
        # does it.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        keep_a_log(connection, self.path)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot; writers are not blocked."""
        with translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """One transaction, committed at the end and rolled back on any exception.

        `durable` waits until the commit is on the disk (synchronous=FULL). Without it a power cut may take back the
        last commits, whole, which costs only the work of doing them again. The journal cannot afford that, and a person
        who said something (a verdict, a protection, a root) will not say it twice.
        """
        with translated(self.path), self._engine.connect().execution_options(write=True) as connection:
            _set_synchronous(connection, "FULL" if durable else "NORMAL")
            with connection.begin():
                yield connection

    def backup(self, target: Path) -> None:
        """Copy the whole database consistently, also while others write; a copy cut short never bears the name."""
        partial = target.with_name(f"{target.name}.partial")
        make_file(partial)
        with (
            translated(self.path),
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(copy)
        partial.replace(target)

    def integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when whole."""
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        broken = [f"row {row_id} of {table} points nowhere" for table, row_id, _parent, _key in dangling]
        return [str(line) for line in found if line != "ok"] + broken

    def close(self) -> None:
        self._engine.dispose()


def keep_a_log(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite write ahead to a log, and make sure that it does: asked for in vain, it goes on without a word.

    Then a reader would block every writer, and `synchronous=NORMAL` could cost the database in a power cut.

    Raises:
        StoreError: there is no shared memory where the file lies, as on some network filesystems.
    """
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"the filesystem of {path} cannot hold SQLite's write-ahead log; use a --home on a local disk")


def _begin(connection: Connection) -> None:
    # A write transaction takes its lock at once: upgrading a read lock later can fail with no way to wait.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _set_synchronous(connection: Connection, level: str) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA synchronous={level}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the exceptions of SQLite on this file into ours, with one clear line.

    Raises:
        StoreDamaged: not a whole database.
        StoreError: whatever else: locked for too long, disk full, read-only, a broken constraint.
    """
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _typed(path, error) from error


def _typed(path: Path, error: Exception) -> DedupctlError:
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return StoreDamaged(f"{path} is damaged ({cause}); put a backup in its place, or move it away and scan again")
    if "no such table" in str(cause):
        return StoreDamaged(f"{path} lacks a table ({cause}); run `dedupctl check --repair`")
    if isinstance(cause, sqlite3.OperationalError):
        return StoreError(f"cannot use {path}: {cause}")
    return StoreError(f"{path} refused a change: {cause}")
