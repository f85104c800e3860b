from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from dedupctl.catalog import engine
from dedupctl.catalog.engine import Database
from dedupctl.errors import Interrupted, StoreError, StoreUnavailable


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store.db")
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY, said TEXT NOT NULL)"))
        connection.execute(text("CREATE TABLE replies (note INTEGER REFERENCES notes (id))"))
    yield opened
    opened.close()


def add(database: Database, said: str) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO notes (said) VALUES (:said)"), {"said": said})


def notes(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT said FROM notes ORDER BY id")).scalars())


def pragma(database: Database, name: str, *, durable: bool = False) -> object:
    with database.write(durable=durable) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def run_and_fail(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))
        raise RuntimeError


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    add(database, "first")

    with pytest.raises(RuntimeError):
        run_and_fail(database, "INSERT INTO notes (said) VALUES ('second')")

    assert notes(database) == ["first"]


def test_a_failing_transaction_takes_its_new_tables_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        run_and_fail(database, "CREATE TABLE half_done (id INTEGER)", "INSERT INTO half_done VALUES (1)")

    with database.read() as connection:
        assert connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'half_done'")).one_or_none() is None


def test_a_reader_sees_one_snapshot_while_others_write(database: Database) -> None:
    with database.read() as connection:
        count = text("SELECT count(*) FROM notes")
        before = connection.execute(count).scalar_one()
        add(database, "meanwhile")
        assert connection.execute(count).scalar_one() == before

    assert notes(database) == ["meanwhile"]


def test_a_writer_has_the_lock_from_its_first_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 10)
    other = Database(database.path)
    with database.write(), pytest.raises(StoreError, match="locked"), other.write():
        pytest.fail("two writers at once")
    other.close()


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"), database.write() as connection:
        connection.execute(text("INSERT INTO replies VALUES (99)"))


def test_only_a_durable_transaction_waits_for_the_disk(database: Database) -> None:
    full, normal = 2, 1
    assert pragma(database, "synchronous") == normal
    assert pragma(database, "synchronous", durable=True) == full
    assert pragma(database, "synchronous") == normal


def test_readers_and_writers_do_not_block_each_other(database: Database) -> None:
    assert pragma(database, "journal_mode") == "wal"


def test_a_database_that_can_have_no_log_is_refused(tmp_path: Path) -> None:
    """SQLite goes on without a log where there is no shared memory, and says so only to who asks."""
    told = "cannot hold SQLite's write-ahead log; use a --home on a local disk"
    with (
        closing(sqlite3.connect(f"file:{tmp_path}/a.db?vfs=unix-dotfile", uri=True)) as without_memory,
        pytest.raises(StoreError, match=told),
    ):
        engine.use_write_ahead_log(without_memory, tmp_path / "a.db")


@pytest.mark.parametrize("name", ["what?.db", "100%41.db", "a#b&c=d.db", "file:x.db", os.fsdecode(b"caf\xe9.db")])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    opened = Database(tmp_path / name)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE notes (id INTEGER)"))
    opened.close()

    assert (tmp_path / name).stat().st_size > 0


def test_a_backup_holds_what_was_committed(database: Database, tmp_path: Path) -> None:
    add(database, "kept")
    with database.write() as connection:
        connection.execute(text("INSERT INTO notes (said) VALUES ('not yet')"))
        database.backup(tmp_path / "copy.db")

    copy = Database(tmp_path / "copy.db")
    assert notes(copy) == ["kept"]
    assert copy.integrity() == []
    copy.close()


def test_a_backup_is_of_one_moment_and_ends_although_others_write_all_the_time(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BACKUP_PAGES", 1)
    add(database, "before")
    steps: list[int] = []

    def write_meanwhile() -> None:
        steps.append(1)
        assert len(steps) < 100, "it begins anew and anew"
        add(database, "meanwhile" * 1000)

    busy = Database(database.path, write_meanwhile)
    busy.backup(tmp_path / "copy.db")
    busy.close()
    copy = Database(tmp_path / "copy.db")
    assert notes(copy) == ["before"]
    copy.close()
    assert len(steps) > 2


def test_a_backup_cut_short_does_not_bear_the_name(database: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.with_name("copy.db.partial").write_text("no database at all")

    with pytest.raises(StoreError):
        database.backup(target)

    assert not target.exists()


def test_a_whole_database_has_no_faults(database: Database) -> None:
    add(database, "fine")

    assert database.integrity() == []


def test_a_dangling_row_is_a_fault(database: Database) -> None:
    with sqlite3.connect(database.path) as careless:
        careless.execute("INSERT INTO replies VALUES (99)")
    careless.close()

    assert database.integrity() == ["row 1 of replies refers to a missing row"]


FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


class Heart:
    """Beats so often, then breaks off whatever it is beating for."""

    def __init__(self, last: int) -> None:
        self.left = last

    def beat(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Interrupted


def test_it_beats_while_another_program_holds_the_lock_and_goes_on_when_it_lets_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_LOOK_MS", 1)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    beats = []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 3:
            other.rollback()

    waiting = Database(database.path, beat)
    add(waiting, "after all")
    assert notes(waiting) == ["after all"]
    assert len(beats) == 3
    waiting.close()
    other.close()


def test_waiting_for_a_lock_can_be_broken_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_LOOK_MS", 1)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = Database(database.path, Heart(2).beat)
    with pytest.raises(Interrupted):
        add(waiting, "never")
    other.close()
    assert notes(database) == []
    waiting.close()


def test_a_reader_waits_for_a_program_that_forbids_reading_and_is_told_in_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart = Heart(1_000_000)
    monkeypatch.setattr(engine, "BUSY_LOOK_MS", 1)
    reader = Database(database.path, heart.beat)
    database.close()
    forbidding = sqlite3.connect(database.path, isolation_level=None)
    forbidding.execute("PRAGMA locking_mode=EXCLUSIVE")  # only whoever is alone can have it
    forbidding.execute("INSERT INTO notes (said) VALUES ('mine')")
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    with pytest.raises(StoreUnavailable, match="locked"):
        notes(reader)
    assert heart.left < 1_000_000
    forbidding.close()
    assert notes(reader) == ["mine"]
    reader.close()


def test_a_long_statement_beats_and_is_broken_off_as_if_it_had_never_begun(database: Database) -> None:
    heart = Heart(3)
    breakable = Database(database.path, heart.beat)
    with pytest.raises(Interrupted):
        run_and_fail(breakable, "INSERT INTO notes (said) VALUES ('half done')", FOREVER)
    heart.left = 1_000_000
    assert notes(breakable) == []
    with pytest.raises(StoreError, match="syntax"), breakable.read() as connection:
        connection.execute(text("this is no SQL"))
    breakable.close()


def test_a_long_backup_beats_and_can_be_broken_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BACKUP_PAGES", 1)
    target = database.path.with_name("copy.db")
    breakable = Database(database.path, Heart(2).beat)
    with pytest.raises(Interrupted):
        breakable.backup(target)
    assert not target.exists()
    breakable.close()
