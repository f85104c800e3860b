"""`pause` and `resume`: what a running daemon is told through the catalog."""

from __future__ import annotations

import time

import typer

from dedupctl.catalog.catalog import DAEMON_PAUSED
from dedupctl.commands.messages import say
from dedupctl.commands.session import Session


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl pause   (before a video conference)")(pause)
    app.command(epilog="Example:  dedupctl resume")(resume)


def pause(context: typer.Context) -> None:
    """Have the daemon rest until `resume`, also over a restart. What happens meanwhile is heard and read afterwards."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write() as tx:
        tx.meta.put(DAEMON_PAUSED, str(int(time.time())))
    say("the daemon rests until `dedupctl resume`")


def resume(context: typer.Context) -> None:
    """Have the daemon go on after `pause`."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write() as tx:
        tx.meta.put(DAEMON_PAUSED, "")
    say("the daemon goes on")
