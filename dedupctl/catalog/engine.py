"""A SQLite connection that means what it says: explicit transactions, WAL, foreign keys, typed errors."""

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
"""SQLite waits for a lock without hearing signals, so it waits in short looks."""
STEPS_A_BEAT = 500_000
"""Steps of SQLite's machine between two beats: some 20 ms."""
BACKUP_PAGES = 2048
"""Pages copied between two beats of a backup: 8 MB."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes; the extended ones have them in their lowest byte."""
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
"""What another program, a full disk or a pulled one causes: the same call may succeed later."""

Beat = Callable[[], None]
"""Called again and again while something takes long. It raises `Interrupted` to have it broken off."""


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
        """One consistent snapshot; writers are not blocked."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """One transaction, committed at the end and rolled back on any exception.

        `durable` waits until the commit is on the disk (synchronous=FULL). Without it a power cut may take back the
        last commits, whole, which costs only the work of doing them again. The journal cannot afford that, and a person
        who said something (a verdict, a protection, a root) will not say it twice.
        """
        with self._translated(), self._engine.connect().execution_options(write=True) as connection:
            _driver(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with connection.begin():
                yield connection

    def backup(self, target: Path) -> None:
        """Copy the whole database consistently, also while others write; a copy cut short never bears the name."""
        partial = target.with_name(f"{target.name}.partial")
        make_file(partial)
        with (
            self._translated(),
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            # One snapshot for all steps: without it every write of somebody else would have the copy begin anew.
            source.isolation_level = None
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close()
            source.backup(copy, pages=BACKUP_PAGES, progress=lambda *_: self._beat() if self._beat else None, sleep=0)
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

    def _configure(self, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # pysqlite begins a transaction before DML only, so a failing migration would leave tables behind; `_begin`
        # does it.
        connection.isolation_level = None
        if self._beat is not None:
            connection.set_progress_handler(self._beat_or_break_off, STEPS_A_BEAT)
        connection.execute(f"PRAGMA busy_timeout={min(BUSY_LOOK_MS, BUSY_TIMEOUT_MS)}")
        self._patiently(lambda: keep_a_log(connection, self.path))
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")

    def _begin(self, connection: Connection) -> None:
        driver = _driver(connection)
        if connection.get_execution_options().get("write", False):
            # It takes its lock at once: upgrading a read lock later can fail with no way to wait.
            self._patiently(lambda: driver.execute("BEGIN IMMEDIATE"))
        else:
            driver.execute("BEGIN")
            # The snapshot is taken by the first look, which another program may forbid for a while.
            self._patiently(lambda: driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close())

    def _patiently(self, attempt: Callable[[], object]) -> None:
        """Try again while another program holds the lock, up to `BUSY_TIMEOUT_MS`, and show meanwhile that we live."""
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

    def _beat_or_break_off(self) -> bool:
        """Whether SQLite is to break off the statement; an exception raised here would be lost on its way."""
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


def keep_a_log(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite write ahead to a log, and make sure that it does: asked for in vain, it goes on without a word.

    Then a reader would block every writer, and `synchronous=NORMAL` could cost the database in a power cut.

    Raises:
        StoreError: there is no shared memory where the file lies, as on some network filesystems.
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
    """Turn the exceptions of SQLite on this file into ours, with one clear line.

    Raises:
        StoreDamaged: not a whole database.
        StoreUnavailable: locked for too long, disk full, read-only, or not to be reached: later it may do.
        StoreError: whatever else, as a broken constraint.
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
        return StoreDamaged(f"{path} lacks a table ({cause}); run `dedupctl check --repair`")
    if isinstance(cause, sqlite3.OperationalError):
        return StoreError(f"cannot use {path}: {cause}")
    return StoreError(f"{path} refused a change: {cause}")
