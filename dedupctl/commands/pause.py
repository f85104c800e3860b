"""`pause` and `resume`: let a running daemon rest, and go on."""

from __future__ import annotations

import typer

from dedupctl.commands.messages import say
from dedupctl.commands.session import Session


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl pause   (before a video conference)")(pause)
    app.command(epilog="Example:  dedupctl resume")(resume)


def pause(context: typer.Context) -> None:
    """Let the daemon rest until `resume`, even if it restarts. Changes meanwhile are noticed and read afterwards."""
    session: Session = context.obj
    with session.library() as library:
        library.pause_daemon()
    say("the daemon rests until `dedupctl resume`")


def resume(context: typer.Context) -> None:
    """Let the daemon go on after `pause`."""
    session: Session = context.obj
    with session.library() as library:
        library.resume_daemon()
    say("the daemon goes on")
