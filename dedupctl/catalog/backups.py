"""Backups of the catalog: whole when they are made, and looked at again before one is put back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import translated
from dedupctl.catalog.migrate import HEAD, refuse_newer
from dedupctl.errors import StoreDamaged, UsageError
from dedupctl.modes import make_file


def back_up(catalog: Catalog, target: Path) -> None:
    """A copy of the catalog as it is at this moment, also while others write; whole, and on the disk.

    Raises:
        UsageError: something stands at `target`, or its folder is not there.
        StoreDamaged: the copy is not whole, because the catalog is not.
        StoreError: it cannot be written.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} exists; a backup never overwrites anything")
    if not target.parent.is_dir():
        raise UsageError(f"no such folder: {target.parent}")
    catalog.copy_to(target)
    try:
        check(target)
        _sync(target)
        _sync(target.parent)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def check(backup: Path) -> None:
    """See that a file is a whole catalog of this version or an older one. It is not changed.

    Raises:
        UsageError: there is no such file.
        StoreDamaged: it is not whole, or no catalog.
        StoreNewer: a newer dedupctl wrote it.
    """
    if not backup.is_file():
        raise UsageError(f"no such file: {backup}")
    with translated(backup), closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        is_ours = {"alembic_version", "meta", "files"} <= tables
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0] if is_ours else ""
    if found != ["ok"] or dangling:
        raise StoreDamaged(f"{backup} is damaged: {(found if found != ['ok'] else ['rows point nowhere'])[0]}")
    if not is_ours:
        raise StoreDamaged(f"{backup} is no catalog of dedupctl")
    if revision != HEAD:
        refuse_newer(backup, revision)


def put_back(backup: Path, catalog: Path) -> Path | None:
    """Put a backup in the place of the catalog. The caller holds the lock and has the catalog closed.

    Returns:
        Where the catalog that stood there is kept now, None if there was none.

    Raises:
        As `check`; nothing has been changed then.
    """
    check(backup)
    part = catalog.with_name(f"{catalog.name}.restored")
    make_file(part)
    shutil.copyfile(backup, part)
    _sync(part)
    kept = None
    if catalog.exists():
        kept = catalog.with_name(f"{catalog.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}")
        _fold_in_the_log(catalog)
        catalog.replace(kept)
    # Of another file, a log would be played back into this one.
    for suffix in ("-wal", "-shm"):
        catalog.with_name(catalog.name + suffix).unlink(missing_ok=True)
    part.replace(catalog)
    _sync(catalog.parent)
    return kept


def _fold_in_the_log(catalog: Path) -> None:
    """What was committed last may be in the log only, which would not go along. A damaged catalog is kept as it is."""
    try:
        with closing(sqlite3.connect(catalog)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
