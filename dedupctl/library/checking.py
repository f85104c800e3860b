"""Is every store of a home whole, and do they agree with each other and with the quarantines on the disk?

A damaged catalog cannot be opened as a library, so this asks a home directory and not an open `Library`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dedupctl.catalog.catalog import CATALOG_NAME
from dedupctl.catalog.lost_tables import REFILLABLE, lost_tables, make_again
from dedupctl.indexing.check import Fault, find_faults, repair
from dedupctl.removal.orphans import adopt_orphans, give_up, lost_from_quarantine, orphans
from dedupctl.removal.recover import acting
from dedupctl.workspace import LOCK_NAME, Workspace, hold


def check_stores(home: Path, *, mend: bool, is_stopped: Callable[[], bool] = lambda: False) -> list[Fault]:
    """Everything wrong with the stores of this home; with `mend`, after mending what catalog and disk still tell.

    Raises:
        LockHeld: `mend` is true and another process is indexing, or acting on pictures.
        UsageError: nothing was ever indexed in this home.
        StoreDamaged: the catalog is no SQLite database any more, or was emptied.
    """
    with _alone(home, mend):
        tables = _faults_of_tables(home, mend=mend)
        if any(not fault.mended for fault in tables):
            return tables  # without its tables nothing else can be asked of the catalog
        with Workspace.open(home) as workspace:
            faults = find_faults(workspace)
            if mend and (faults or tables) and not is_stopped():
                faults = repair(workspace, faults, is_stopped)
            return tables + faults + _faults_of_quarantine(workspace, mend=mend)


@contextmanager
def _alone(home: Path, mend: bool) -> Iterator[None]:
    """Mending needs the lock; looking works beside a daemon."""
    if not mend:
        yield
        return
    with hold(home / LOCK_NAME, "indexing into"):
        yield


def _faults_of_tables(home: Path, *, mend: bool) -> list[Fault]:
    path = home / CATALOG_NAME
    lost = lost_tables(path)
    beyond_repair = set(make_again(path)) if mend and lost else set(lost)
    return [Fault("catalog", _missing(table), mended=table not in beyond_repair) for table in lost]


def _missing(table: str) -> str:
    end = "" if table in REFILLABLE else "; only a backup of catalog.db can bring it back"
    return f"the table {table} is missing{end}"


def _faults_of_quarantine(workspace: Workspace, *, mend: bool) -> list[Fault]:
    unknown, lost = orphans(workspace.catalog), lost_from_quarantine(workspace.catalog)
    if mend and (unknown or lost):
        with acting(workspace.home, workspace.catalog):
            adopt_orphans(workspace.catalog, now=int(time.time()))
            give_up(workspace.catalog, lost_from_quarantine(workspace.catalog))
    adopted = mend and not orphans(workspace.catalog)
    found = []
    if unknown:
        found.append(Fault("quarantine", f"files in quarantine unknown to the journal: {len(unknown):,}", adopted))
    if lost:
        found.append(Fault("quarantine", f"removed files that are not in quarantine any more: {len(lost):,}", mend))
    return found
