"""`check`: is every store whole, and do they agree with each other and with the quarantines on the disk?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from dedupctl.catalog.catalog import CATALOG_NAME
from dedupctl.catalog.lost_tables import REMADE, lost_tables, make_again
from dedupctl.commands.messages import console
from dedupctl.commands.session import AsJson, Session, print_json, stopping_on_signals, warn_of_network
from dedupctl.errors import StoreDamaged
from dedupctl.indexing.check import Fault, find_faults, repair
from dedupctl.removal.orphans import adopt_strays, give_up, lost_from_quarantine, strays
from dedupctl.removal.recover import acting
from dedupctl.workspace import LOCK_NAME, Workspace, hold


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl check --repair")(check)


def check(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--repair", help="Mend what the catalog and the disk still tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is every store whole, and do they agree? Exit code 4 when something is left damaged."""
    session: Session = context.obj
    try:
        faults = _checked(session, fix=fix)
    except StoreDamaged as damage:
        if not as_json:
            raise
        faults = [Fault("catalog", str(damage))]
    if as_json:
        print_json({"faults": [{"store": fault.store, "what": fault.what, "mended": fault.mended} for fault in faults]})
    else:
        _print(faults)
    if any(not fault.mended for fault in faults):
        raise typer.Exit(4)


def _checked(session: Session, *, fix: bool) -> list[Fault]:
    with _alone(session, fix):
        tables = _faults_of_tables(session, fix=fix)
        if any(not fault.mended for fault in tables):
            return tables  # nothing else can be asked
        with session.workspace() as workspace:
            warn_of_network(session.home)
            faults = find_faults(workspace)
            if fix and (faults or tables):
                with stopping_on_signals() as stop:
                    faults = repair(workspace, faults, stop.is_set)
            return tables + faults + _faults_of_quarantine(workspace, fix=fix)


@contextmanager
def _alone(session: Session, fix: bool) -> Iterator[None]:
    """Whoever repairs holds the lock; a mere look goes on beside a daemon."""
    if not fix:
        yield
        return
    with hold(session.home / LOCK_NAME, "indexing into"):
        yield


def _faults_of_tables(session: Session, *, fix: bool) -> list[Fault]:
    path = session.home / CATALOG_NAME
    lost = lost_tables(path)
    beyond = set(make_again(path)) if fix and lost else set(lost)
    return [Fault("catalog", _in_words(table), mended=table not in beyond) for table in lost]


def _in_words(table: str) -> str:
    end = "" if table in REMADE else "; only a backup of catalog.db can bring it back"
    return f"the table {table} is missing{end}"


def _faults_of_quarantine(workspace: Workspace, *, fix: bool) -> list[Fault]:
    unknown, lost = strays(workspace.catalog), lost_from_quarantine(workspace.catalog)
    if fix and (unknown or lost):
        with acting(workspace.home, workspace.catalog):
            adopt_strays(workspace.catalog, now=int(time.time()))
            give_up(workspace.catalog, lost_from_quarantine(workspace.catalog))
    mended = fix and not strays(workspace.catalog)
    found = []
    if unknown:
        found.append(Fault("quarantine", f"files in quarantine unknown to the journal: {len(unknown):,}", mended))
    if lost:
        found.append(Fault("quarantine", f"removed files that are not in quarantine any more: {len(lost):,}", fix))
    return found


def _print(faults: list[Fault]) -> None:
    if not faults:
        console().print("everything is whole and in agreement")
    for fault in faults:
        mark = "mended" if fault.mended else "damaged"
        console().print(f"{mark}: {fault.store}: {fault.what}", markup=False)
