"""`check` names what is damaged, mends what the catalog and the disk still tell, and leaves the rest to a backup."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from living_library import LivingLibrary, picture, quarantined
from typer.testing import CliRunner

from dedupctl.catalog.schema import metadata
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.cli import app
from dedupctl.commands import session
from dedupctl.domain import FileState
from dedupctl.removal.orphans import POLICY_NAME

DERIVED = sorted(
    {"meta", "contents", "files", "imported_contents", "perceptual_hashes", "embedding_models", "embeddings"}
    | {"pairs", "runs", "map_points", "reported_contents"}
)
SAID = sorted(set(metadata.tables) - set(DERIVED))


@pytest.fixture
def photos(library: LivingLibrary) -> Path:
    """One picture, which was imported, so that nobody misses its thumbnail or its vector."""
    folder = library.add_root("photos")
    (folder / "a.jpg").write_bytes(picture(1))
    (folder / "a copy.jpg").write_bytes(picture(1))
    return folder


@pytest.fixture
def removed(library: LivingLibrary, photos: Path) -> Path:
    """The copy waits in quarantine."""
    library.scan()
    _give_thumbnails_and_hashes(library)
    assert library.apply(library.plan()).removed == 1
    (waiting,) = quarantined(photos)
    return waiting


def _give_thumbnails_and_hashes(library: LivingLibrary) -> None:
    with library.catalog.read() as tx:
        digests = [one.digest for one in tx.contents.following(0, 9)]
    with closing(Thumbs(library.home / "thumbs.db")) as thumbs:
        thumbs.put(dict.fromkeys(digests, b"a thumbnail"))
    damage(
        library,
        "INSERT INTO perceptual_hashes SELECT content_id, 'phash8', zeroblob(64) FROM perceptual_hashes",
    )


def damage(library: LivingLibrary, statement: str) -> None:
    with closing(sqlite3.connect(library.home / "catalog.db")) as careless, careless:
        careless.execute(statement)


def check(library: LivingLibrary, *options: str) -> tuple[int, list[dict[str, Any]]]:
    told = CliRunner().invoke(app, ["--home", str(library.home), "check", "--json", *options], catch_exceptions=False)
    return told.exit_code, json.loads(told.stdout)["faults"]


def fault(store: str, what: str, *, mended: bool = False) -> dict[str, Any]:
    return {"store": store, "what": what, "mended": mended}


def test_what_is_whole_has_no_faults(library: LivingLibrary, removed: Path) -> None:
    assert removed.exists()
    assert check(library) == (0, [])
    assert check(library, "--repair") == (0, [])


@pytest.mark.parametrize("table", DERIVED)
def test_a_lost_table_that_a_scan_fills_is_made_again(library: LivingLibrary, removed: Path, table: str) -> None:
    assert check(library)[0] == 0
    library.catalog.close()
    damage(library, f"DROP TABLE {table}")

    assert check(library) == (4, [fault("catalog", f"the table {table} is missing")])
    code, faults = check(library, "--repair")

    assert fault("catalog", f"the table {table} is missing", mended=True) in faults
    assert code == 0
    assert check(library) == (0, [])
    library.reopen()
    library.scan()
    with library.catalog.read() as tx:
        assert tx.files.count()[FileState.PRESENT] == 1
        assert [entry.target for entry in tx.journal.resting()] == [os.fsencode(removed)]


@pytest.mark.parametrize("table", SAID)
def test_a_lost_table_of_what_a_person_said_needs_a_backup(library: LivingLibrary, removed: Path, table: str) -> None:
    assert removed.exists()
    library.catalog.close()
    with closing(sqlite3.connect(library.home / "catalog.db")) as careless, careless:
        careless.execute("PRAGMA foreign_keys=OFF")
        careless.execute(f"DROP TABLE {table}")

    expected = fault("catalog", f"the table {table} is missing; only a backup of catalog.db can bring it back")

    assert check(library) == (4, [expected])
    assert check(library, "--repair") == (4, [expected])


def test_a_removed_file_that_left_its_quarantine_is_told(library: LivingLibrary, removed: Path) -> None:
    removed.unlink()
    lost = "removed files that are not in quarantine any more: 1"

    assert check(library) == (4, [fault("quarantine", lost)])
    assert check(library, "--repair") == (0, [fault("quarantine", lost, mended=True)])
    assert check(library) == (0, [])
    with library.catalog.read() as tx:
        assert tx.journal.resting() == []


def test_a_file_in_quarantine_that_the_journal_lost_can_be_restored_again(
    library: LivingLibrary, photos: Path, removed: Path
) -> None:
    damage(library, "DELETE FROM journal")
    unknown = "files in quarantine unknown to the journal: 1"

    assert check(library) == (4, [fault("quarantine", unknown)])
    assert check(library, "--repair") == (0, [fault("quarantine", unknown, mended=True)])
    with library.catalog.read() as tx:
        (entry,) = tx.journal.resting()
        assert (entry.policy, entry.target) == (POLICY_NAME, os.fsencode(removed))
    assert [outcome.done for outcome in library.restore_all()] == [True]
    assert (photos / "a copy.jpg").read_bytes() == picture(1)


def test_a_quarantine_on_a_disk_that_is_away_is_no_fault(library: LivingLibrary, photos: Path, removed: Path) -> None:
    assert removed.exists()
    photos.rename(photos.with_name("in a drawer"))

    assert check(library) == (0, [])


@pytest.mark.parametrize("witness", ["catalog-id", "thumbs.db", "vectors/model/MANIFEST.json"])
def test_an_emptied_catalog_is_not_taken_for_a_new_one(library: LivingLibrary, removed: Path, witness: str) -> None:
    assert removed.exists()
    assert check(library)[0] == 0
    library.catalog.close()
    for path in (library.home / name for name in ("catalog-id", "thumbs.db", "catalog.db-wal", "catalog.db-shm")):
        path.unlink(missing_ok=True)
    (library.home / witness).parent.mkdir(parents=True, exist_ok=True)
    (library.home / witness).write_bytes(b"as it was")
    (library.home / "catalog.db").write_bytes(b"")

    code, (found,) = check(library, "--repair")

    assert (code, found["store"], found["mended"]) == (4, "catalog", False)
    assert f"is empty, but {Path(witness).name} shows that there was a catalog" in found["what"]
    assert (library.home / "catalog.db").read_bytes() == b""
    told = CliRunner().invoke(app, ["--home", str(library.home), "scan"])
    assert (told.exit_code, (library.home / "catalog.db").read_bytes()) == (4, b"")


def test_a_home_on_another_machine_is_warned_of(
    library: LivingLibrary, removed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert removed.exists()
    monkeypatch.setattr(session, "network_filesystem", lambda _: "nfs4")

    told = CliRunner().invoke(app, ["--home", str(library.home), "check"])

    assert told.exit_code == 0
    assert "lies on a network filesystem (nfs4)" in told.stderr


def test_a_catalog_that_was_moved_away_is_begun_anew(library: LivingLibrary, photos: Path) -> None:
    assert check(library)[0] == 0
    library.catalog.close()
    for path in library.home.glob("catalog.db*"):
        path.unlink()

    told = CliRunner().invoke(app, ["--home", str(library.home), "roots", "add", str(photos)])

    assert told.exit_code == 0
    assert check(library) == (0, [])
