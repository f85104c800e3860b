"""Every schema that was ever released is upgraded from a stored dump of it, `old/<revision>.sql`, with a few rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dedupctl.catalog import migrate, schema
from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import Database
from dedupctl.domain import FileState, Identity, PairKind, Verdict
from dedupctl.errors import StoreError, StoreNewer

OLD = Path(__file__).parent / "old"
REVISIONS = sorted(path.stem for path in OLD.glob("*.sql"))
BIG, SMALL = b"\x11" * 32, b"\x12" * 32
"""Digests of the two contents in the dumps."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


def restore(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((OLD / f"{revision}.sql").read_text())


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def everything(path: Path) -> list[str]:
    """Tables, indexes and rows, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "dedupctl:migrations")
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def backups(path: Path) -> list[Path]:
    return sorted(found for found in path.parent.iterdir() if ".before-" in found.name)


# --- the chain of revisions ------------------------------------------------------------------------------------------


def test_the_known_head_is_the_newest_revision() -> None:
    assert script().get_current_head() == migrate.HEAD


def test_every_revision_has_a_dump() -> None:
    assert sorted(step.revision for step in script().walk_revisions()) == REVISIONS


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_dump_is_what_its_revision_builds(tmp_path: Path, revision: str) -> None:
    restore(tmp_path / "dumped.db", revision)
    built = Database(tmp_path / "built.db")
    with built.write() as connection:
        migrate.upgrade(connection, revision)
    built.close()

    assert shape(tmp_path / "dumped.db") == shape(tmp_path / "built.db")


def shape(path: Path) -> dict[str, list[str]]:
    """Each table's and index's definition, as a bag of lines: in which order they were written does not matter."""
    rows = ask(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'sqlite_sequence'")
    return {
        str(name): sorted(line.strip(" ,\t") for line in str(sql).splitlines() if line.strip()) for name, sql in rows
    }


# --- the schema as the code has it -----------------------------------------------------------------------------------


@pytest.fixture(params=["fresh", *REVISIONS])
def upgraded(path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param != "fresh":
        restore(path, request.param)
    Catalog.open(path).close()
    database = Database(path)
    yield database
    database.close()


def test_migrations_build_the_schema_of_the_code(upgraded: Database) -> None:
    with upgraded.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_migrations_build_it_to_the_letter(upgraded: Database, tmp_path: Path) -> None:
    """What a comparison of columns does not see: AUTOINCREMENT, WITHOUT ROWID, checks, partial indexes."""
    made = Database(tmp_path / "made.db")
    with made.write() as connection:
        schema.metadata.create_all(connection)
    made.close()

    found = shape(upgraded.path)
    del found["alembic_version"]
    assert found == shape(tmp_path / "made.db")


def test_an_upgraded_catalog_is_whole(upgraded: Database) -> None:
    assert upgraded.integrity() == []


# --- what users have -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_upgrade_keeps_everything_known(path: Path, revision: str) -> None:
    restore(path, revision)

    with Catalog.open(path) as catalog, catalog.read() as tx:
        (root,) = tx.roots.all()
        big, small = tx.contents.id_of(BIG), tx.contents.id_of(SMALL)
        assert big is not None
        assert small is not None
        (pair,) = tx.pairs.all()
        finished = tx.runs.last_finished()
        assert catalog.id == "5f0c6a1e9d3b4c7f8a2e1d0c9b8a7f6e"
        assert (root.path, root.device, root.reference) == (b"/home/ada/Pictures", 2049, True)
        assert tx.files.count() == {FileState.PRESENT: 2, FileState.ERROR: 1, FileState.GONE: 1}
        assert [found.path for found in tx.files.of_contents([big])] == [
            b"/home/ada/Pictures/2024/caf\xe9/IMG_0001.jpg"
        ]
        assert tx.contents.get([big])[big].facts.camera == "Fuji X100V"
        assert tx.contents.unmatched(limit=9) == [small]
        assert (pair.a, pair.b, pair.kind, pair.evidence.inliers) == (big, small, PairKind.NEAR, 87)
        assert tx.verdicts.by_content() == {(big, small): Verdict.SAME}
        assert tx.embeddings.vectors([11, 12]).tolist() == [[1.0, 0.0], [0.0, 1.0]]
        assert finished is not None
        assert finished.summary is not None
        assert finished.summary.seen == 3


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision >= "0003"])
def test_an_upgrade_keeps_what_waits_in_quarantine(path: Path, revision: str) -> None:
    restore(path, revision)

    with Catalog.open(path) as catalog, catalog.read() as tx:
        (entry,) = tx.journal.entries()
        plan = tx.plans.get(1)
        assert entry.resting
        assert entry.target == b"/home/ada/Pictures/.dedupctl/quarantine/1/old/small.webp"
        assert plan is not None
        assert [action.victim.digest for action in plan.removals] == [SMALL]
        assert tx.protected.all() == [b"/home/ada/Pictures/wedding"]


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision >= "0003"])
def test_an_upgrade_keeps_the_proof_of_a_copy_that_an_older_version_never_noted(path: Path, revision: str) -> None:
    restore(path, revision)

    with Catalog.open(path) as catalog, catalog.read() as tx:
        (entry,) = tx.journal.entries()
        assert entry.placed == (None if revision < "0006" else Identity(2049, 77, 1000, 5, 6))


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision < "0004"])
def test_an_upgrade_takes_what_no_file_ever_held_for_imported(path: Path, revision: str) -> None:
    restore(path, revision)
    change(
        path,
        "INSERT INTO contents (id, digest, size, format, width, height, orientation, exif_tags, has_gps, flat)"
        " VALUES (8, x'13', 1, 'JPEG', 1, 1, 1, 0, 0, 0)",
    )

    with Catalog.open(path) as catalog, catalog.read() as tx:
        assert tx.imported.among([7, 8, 9]) == {8}


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_upgrade_gives_no_id_twice(path: Path, revision: str) -> None:
    restore(path, revision)

    with Catalog.open(path) as catalog, catalog.write() as tx:
        model_id = tx.embeddings.model_id("copy-model", 2)
        vector = tx.embeddings.vectors([11])
        other = tx.embeddings.model_id("another", 2)
        assert other != model_id
        assert list(tx.embeddings.add(other, {7: vector})) == [21]


# --- before and after ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision != migrate.HEAD])
def test_an_older_catalog_is_backed_up_first(path: Path, revision: str) -> None:
    restore(path, revision)
    before = everything(path)

    Catalog.open(path).close()

    (backup,) = backups(path)
    assert backup.name == f"catalog.db.before-{migrate.HEAD}-was-{revision}"
    assert everything(backup) == before
    assert ask(path, "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]


def test_a_fresh_or_current_catalog_needs_no_backup(path: Path) -> None:
    Catalog.open(path).close()
    Catalog.open(path).close()

    assert backups(path) == []


def test_a_failing_migration_leaves_nothing_behind(path: Path) -> None:
    restore(path, "0001")
    change(path, "CREATE TABLE journal (in_the_way INTEGER)")
    before = everything(path)

    with pytest.raises(StoreError, match="journal already exists"):
        Catalog.open(path)

    assert everything(path) == before
    change(path, "DROP TABLE journal")
    with Catalog.open(path) as catalog:
        assert catalog.integrity() == []


def test_nothing_is_migrated_without_a_backup(path: Path) -> None:
    restore(path, "0001")
    before = everything(path)
    backup = path.with_name(f"catalog.db.before-{migrate.HEAD}-was-0001.partial")
    backup.mkdir()

    with pytest.raises(StoreError):
        Catalog.open(path)

    assert everything(path) == before


def test_a_newer_catalog_is_refused_and_not_touched(path: Path) -> None:
    Catalog.open(path).close()
    change(path, "UPDATE alembic_version SET version_num = '9999'")
    before = everything(path)

    with pytest.raises(StoreNewer, match=f"schema 9999, this version knows up to {migrate.HEAD}"):
        Catalog.open(path)

    assert everything(path) == before
    assert backups(path) == []


@pytest.mark.parametrize("revision", [None, "0001"])
def test_many_may_open_an_older_catalog_at_once(path: Path, revision: str | None) -> None:
    if revision is not None:
        restore(path, revision)

    def catalog_id(_: int) -> str:
        with Catalog.open(path) as catalog:
            return catalog.id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(catalog_id, range(4)))) == 1
    assert len(backups(path)) == (revision is not None)


def test_the_slower_of_two_backs_up_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would name the migrated catalog a backup of the old one."""
    restore(path, "0001")
    before = everything(path)
    refuse_newer = migrate.refuse_newer

    def overtaken(database: Database, revision: str) -> None:
        monkeypatch.setattr(migrate, "refuse_newer", refuse_newer)
        Catalog.open(path).close()
        refuse_newer(database, revision)

    monkeypatch.setattr(migrate, "refuse_newer", overtaken)
    Catalog.open(path).close()

    (backup,) = backups(path)
    assert everything(backup) == before


def test_what_failed_for_what_may_pass_is_tried_again_after_the_upgrade(path: Path) -> None:
    restore(path, "0004")
    change(path, "UPDATE files SET error_code = 'crash' WHERE state = 'error'")
    with Catalog.open(path) as catalog, catalog.read() as tx:
        ((located, _),) = tx.files.errors()
        assert tx.retries.due(located.file.root_id, at=1) == {located.file.id}
