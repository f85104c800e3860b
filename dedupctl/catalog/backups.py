"""Backups of the catalog: checked when they are made, and again before one is restored."""

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
from dedupctl.disk.durable import sync_path
from dedupctl.errors import StoreDamaged, UsageError
from dedupctl.modes import make_file


def back_up(catalog: Catalog, target: Path) -> None:
    """Make a consistent and durable copy of the catalog, even while others write.

    Raises:
        UsageError: `target` exists, or its folder does not.
        StoreDamaged: the copy is damaged, because the catalog is.
        StoreError: the copy cannot be written.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} exists; a backup never overwrites anything")
    if not target.parent.is_dir():
        raise UsageError(f"no such folder: {target.parent}")
    catalog.copy_to(target)
    try:
        check(target)
        sync_path(target)
        sync_path(target.parent)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def check(backup: Path) -> None:
    """Check that a file is an intact catalog of this version or an older one, without changing it.

    Raises:
        UsageError: there is no such file.
        StoreDamaged: it is damaged, or not a catalog.
        StoreNewer: a newer dedupctl wrote it.
    """
    if not backup.is_file():
        raise UsageError(f"no such file: {backup}")
    with translated(backup), closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = [line for (line,) in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        is_ours = {"alembic_version", "meta", "files"} <= tables
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() if is_ours else ("",)
    if found != ["ok"] or dangling:
        fault = found[0] if found != ["ok"] else "rows refer to missing rows"
        raise StoreDamaged(f"{backup} is damaged: {fault}")
    if not is_ours:
        raise StoreDamaged(f"{backup} is not a catalog of dedupctl")
    if revision != HEAD:
        refuse_newer(backup, revision)


def put_back(backup: Path, catalog: Path) -> Path | None:
    """Replace the catalog with a backup. The caller holds the lock and has closed the catalog.

    Returns:
        Where the previous catalog is kept, or None if there was none.

    Raises:
        UsageError, StoreDamaged, StoreNewer: as `check`; nothing was changed.
    """
    check(backup)
    part = catalog.with_name(f"{catalog.name}.restored")
    make_file(part)
    shutil.copyfile(backup, part)
    sync_path(part)
    kept = None
    if catalog.exists():
        kept = catalog.with_name(f"{catalog.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}")
        _fold_in_the_log(catalog)
        catalog.replace(kept)
    # Otherwise SQLite would replay the log of the previous file into this one.
    for suffix in ("-wal", "-shm"):
        catalog.with_name(catalog.name + suffix).unlink(missing_ok=True)
    part.replace(catalog)
    sync_path(catalog.parent)
    return kept


def _fold_in_the_log(catalog: Path) -> None:
    """Write the log into the file, because the last commits may be in the log only. A damaged catalog is left as is."""
    try:
        with closing(sqlite3.connect(catalog)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return
