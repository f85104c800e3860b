"""A SQLite connection without surprises: explicit transactions, WAL, foreign keys, typed errors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from dedupctl.errors import DedupctlError, Interrupted, StoreDamaged, StoreError, StoreUnavailable
from dedupctl.modes import make_file

BUSY_TIMEOUT_MS = 60_000
BUSY_LOOK_MS = 200
"""SQLite cannot be interrupted by a signal while it waits for a lock, so it waits in short intervals."""
STEPS_A_BEAT = 500_000
"""Steps of SQLite's virtual machine between two beats: about 20 ms."""
BACKUP_PAGES = 2048
"""Pages copied between two beats of a backup: 8 MB."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes; an extended code has its primary code in the lowest byte."""
_UNAVAILABLE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
)
"""Caused by another program, a full disk or a disconnected one: the same call may succeed later."""

Beat = Callable[[], None]
"""Called repeatedly while something takes long. It may raise `Interrupted` to abort that."""


class Database:
    """Opens connections to one SQLite file and hands them out as read or write transactions."""

    def __init__(self, path: Path, beat: Beat | None = None) -> None:
        self.path = path
        self._beat = beat
        self._interrupted: Interrupted | None = None
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args={"check_same_thread": False}
        )
        event.listen(self._engine, "connect", self._configure)
        event.listen(self._engine, "begin", self._begin)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one consistent snapshot and does not block writers."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end and rolls back on any exception.

        `durable` waits until the commit is on the disk (synchronous=FULL). Without it a power cut may undo the last
        commits as a whole, which only costs repeating the work. The journal cannot afford that, and a person should
        not have to repeat a verdict, a protection or a root.
        """
        with self._translated(), self._engine.connect().execution_options(write=True) as connection:
            _driver(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with connection.begin():
                yield connection

    def backup(self, target: Path) -> None:
        """Copy the whole database consistently, even while others write. An incomplete copy never gets the name."""
        partial = target.with_name(f"{target.name}.partial")
        make_file(partial)
        with (
            self._translated(),
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            # One snapshot for all steps: otherwise every write by another process would restart the copy.
            source.isolation_level = None
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close()
            source.backup(copy, pages=BACKUP_PAGES, progress=lambda *_: self._beat() if self._beat else None, sleep=0)
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

    def _configure(self, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # pysqlite begins a transaction before DML only, so a failing migration would leave tables behind; `_begin`
        # does it.
        connection.isolation_level = None
        if self._beat is not None:
            connection.set_progress_handler(self._must_abort, STEPS_A_BEAT)
        connection.execute(f"PRAGMA busy_timeout={min(BUSY_LOOK_MS, BUSY_TIMEOUT_MS)}")
        self._retry_while_busy(lambda: use_write_ahead_log(connection, self.path))
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")

    def _begin(self, connection: Connection) -> None:
        driver = _driver(connection)
        if connection.get_execution_options().get("write", False):
            # A write takes its lock at once: upgrading a read lock later can fail without any chance to wait.
            self._retry_while_busy(lambda: driver.execute("BEGIN IMMEDIATE"))
        else:
            driver.execute("BEGIN")
            # The first read takes the snapshot, which another program may block for a while.
            self._retry_while_busy(lambda: driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close())

    def _retry_while_busy(self, attempt: Callable[[], object]) -> None:
        """Retry for up to `BUSY_TIMEOUT_MS` while another program holds the lock, calling `beat` in between."""
        until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                attempt()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            else:
                return
            if self._beat is not None:
                self._beat()

    def _must_abort(self) -> bool:
        """Whether SQLite must abort the statement. An exception raised in this callback would be lost."""
        assert self._beat is not None
        try:
            self._beat()
        except Interrupted as interrupted:
            self._interrupted = interrupted
            return True
        return False

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(self.path):
                yield
        except StoreError:
            if self._interrupted is None:
                raise
            interrupted, self._interrupted = self._interrupted, None
            raise interrupted from None


def use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch SQLite to write-ahead logging, and check that it did: SQLite does not report that it could not.

    Without the log a reader would block every writer, and `synchronous=NORMAL` could lose the database in a power cut.

    Raises:
        StoreError: the filesystem has no shared memory, as some network filesystems.
    """
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"the filesystem of {path} cannot hold SQLite's write-ahead log; use a --home on a local disk")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's exceptions on this file into ours, each with one clear line of text.

    Raises:
        StoreDamaged: the file is not an intact database.
        StoreUnavailable: locked for too long, disk full, read-only or not reachable; it may work later.
        StoreError: anything else, such as a violated constraint.
    """
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _typed(path, error) from error


def _typed(path: Path, error: Exception) -> DedupctlError:
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return StoreDamaged(f"{path} is damaged ({cause}); put a backup in its place, or move it away and scan again")
    if code in _UNAVAILABLE:
        return StoreUnavailable(f"cannot use {path}: {cause}")
    if "no such table" in str(cause):
        return StoreDamaged(f"{path} is missing a table ({cause}); run `dedupctl check --repair`")
    if isinstance(cause, sqlite3.OperationalError):
        return StoreError(f"cannot use {path}: {cause}")
    return StoreError(f"{path} rejected a change: {cause}")
