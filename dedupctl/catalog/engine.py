"""A SQLite connection without surprises: explicit transactions, WAL, foreign keys, typed errors."""

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
"""Primary result codes; an extended code has its primary code in the lowest byte."""


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
        use_write_ahead_log(connection, self.path)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one consistent snapshot and does not block writers."""
        with translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end and rolls back on any exception.

        `durable` waits until the commit is on the disk (synchronous=FULL). Without it a power cut may undo the last
        commits as a whole, which only costs repeating the work. The journal cannot afford that, and a person should
        not have to repeat a verdict, a protection or a root.
        """
        with translated(self.path), self._engine.connect().execution_options(write=True) as connection:
            _set_synchronous(connection, "FULL" if durable else "NORMAL")
            with connection.begin():
                yield connection

    def backup(self, target: Path) -> None:
        """Copy the whole database consistently, even while others write. An incomplete copy never gets the name."""
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
        """The faults that SQLite itself finds in the file; empty if there are none."""
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        broken = [f"row {row_id} of {table} refers to a missing row" for table, row_id, _parent, _key in dangling]
        return [str(line) for line in found if line != "ok"] + broken

    def close(self) -> None:
        self._engine.dispose()


def use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch SQLite to write-ahead logging, and check that it did: SQLite does not report that it could not.

    Without the log a reader would block every writer, and `synchronous=NORMAL` could lose the database in a power cut.

    Raises:
        StoreError: the filesystem has no shared memory, as some network filesystems.
    """
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"the filesystem of {path} cannot hold SQLite's write-ahead log; use a --home on a local disk")


def _begin(connection: Connection) -> None:
    # A write transaction takes its lock at once: upgrading a read lock later can fail without any chance to wait.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _set_synchronous(connection: Connection, level: str) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA synchronous={level}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's exceptions on this file into ours, each with one clear line of text.

    Raises:
        StoreDamaged: the file is not an intact database.
        StoreError: anything else: locked for too long, disk full, read-only, a violated constraint.
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
        return StoreDamaged(f"{path} is missing a table ({cause}); run `dedupctl check --repair`")
    if isinstance(cause, sqlite3.OperationalError):
        return StoreError(f"cannot use {path}: {cause}")
    return StoreError(f"{path} rejected a change: {cause}")
