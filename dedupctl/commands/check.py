"""`check`: is every store whole, and do they agree with each other and with the quarantines on the disk?"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from dedupctl.commands.messages import console
from dedupctl.commands.session import AsJson, Session, print_json, stopping_on_signals, warn_of_network
from dedupctl.errors import StoreDamaged
from dedupctl.indexing.check import Fault
from dedupctl.library import Library


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl check --repair")(check)


def check(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--repair", help="Mend what the catalog and the disk still tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check that every store is whole and that they agree. Exit code 4 if something is left damaged."""
    session: Session = context.obj
    try:
        faults = _faults(session, fix=fix)
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


def _faults(session: Session, *, fix: bool) -> list[Fault]:
    # Ctrl-C ends a mere look at once; a repair ends in order.
    with stopping_on_signals() if fix else nullcontext() as stop:
        faults = Library.check(session.home, repair=fix, is_stopped=stop.is_set if stop else lambda: False)
    warn_of_network(session.home)
    return faults


def _print(faults: list[Fault]) -> None:
    if not faults:
        console().print("every store is whole, and they agree")
    for fault in faults:
        mark = "mended" if fault.mended else "damaged"
        console().print(f"{mark}: {fault.store}: {fault.what}", markup=False)
