from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dedupctl.catalog.backups import back_up, put_back
from dedupctl.catalog.catalog import Catalog
from dedupctl.errors import StoreDamaged, StoreNewer, UsageError


def catalog_saying(path: Path, word: str) -> Path:
    with Catalog.open(path) as catalog, catalog.write() as tx:
        tx.meta.put("said", word)
    return path


def said(path: Path) -> str | None:
    with Catalog.open(path) as catalog, catalog.read() as tx:
        return tx.meta.get("said")


def test_a_backup_made_while_others_have_it_open_can_be_put_back(tmp_path: Path) -> None:
    home = catalog_saying(tmp_path / "catalog.db", "before")
    with Catalog.open(home) as running:
        back_up(running, tmp_path / "backup.db")
    catalog_saying(home, "after")
    kept = put_back(tmp_path / "backup.db", home)
    assert kept is not None
    assert (said(home), said(kept)) == ("before", "after")
    assert said(tmp_path / "backup.db") == "before"


def test_what_is_in_the_log_only_is_kept_and_not_played_back_into_the_other(tmp_path: Path) -> None:
    home = catalog_saying(tmp_path / "catalog.db", "before")
    with Catalog.open(home) as running:
        back_up(running, tmp_path / "backup.db")
    killed = sqlite3.connect(home)
    killed.execute("PRAGMA wal_autocheckpoint=0")
    with killed:
        killed.execute("UPDATE meta SET value = 'in the log' WHERE key = 'said'")
    for suffix in ("", "-wal"):
        (tmp_path / f"as killed{suffix}").write_bytes(home.with_name(home.name + suffix).read_bytes())
    killed.close()
    for suffix in ("", "-wal"):
        (tmp_path / f"as killed{suffix}").replace(home.with_name(home.name + suffix))
    home.with_name("catalog.db-shm").unlink(missing_ok=True)
    kept = put_back(tmp_path / "backup.db", home)
    assert kept is not None
    assert (said(home), said(kept)) == ("before", "in the log")


def test_it_is_put_back_where_the_catalog_is_lost_or_damaged(tmp_path: Path) -> None:
    with Catalog.open(catalog_saying(tmp_path / "old.db", "before")) as catalog:
        back_up(catalog, tmp_path / "backup.db")
    assert put_back(tmp_path / "backup.db", tmp_path / "catalog.db") is None
    (tmp_path / "catalog.db").write_bytes(b"no database" * 1000)
    kept = put_back(tmp_path / "backup.db", tmp_path / "catalog.db")
    assert said(tmp_path / "catalog.db") == "before"
    assert kept is not None
    assert kept.read_bytes().startswith(b"no database")


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken.db").write_bytes(b"somebody's")
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        for target in (tmp_path / "taken.db", tmp_path / "nowhere" / "backup.db"):
            with pytest.raises(UsageError):
                back_up(catalog, target)
    assert (tmp_path / "taken.db").read_bytes() == b"somebody's"


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 3 + 2000] = bytes(2000)
    path.write_bytes(data)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (flipped, StoreDamaged),
        (truncated, StoreDamaged),
        (another_program, StoreDamaged),
        (lambda path: path.write_bytes(b"text"), StoreDamaged),
        (newer, StoreNewer),
        (Path.unlink, UsageError),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_the_catalog_stays(
    tmp_path: Path, spoil: Callable[[Path], object], error: type[Exception]
) -> None:
    home = catalog_saying(tmp_path / "catalog.db", "mine")
    with Catalog.open(home) as catalog:
        back_up(catalog, tmp_path / "backup.db")
    spoil(tmp_path / "backup.db")
    with pytest.raises(error):
        put_back(tmp_path / "backup.db", home)
    assert said(home) == "mine"
