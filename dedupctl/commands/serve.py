"""`serve`: the page on which a person looks at clusters and decides."""

from __future__ import annotations

import time
import webbrowser
from typing import Annotated

import typer

from dedupctl.commands.session import KeepersOf, Session, policy_of, say, stopping_on_signals
from dedupctl.web.server import serving


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl serve --open")(serve)


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    policy: KeepersOf = "tidy",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Review clusters in the browser, on this machine only. Works beside a running daemon or without it."""
    session: Session = context.obj
    with (
        stopping_on_signals() as stop,
        session.workspace() as workspace,
        serving(workspace, port, policy_of(workspace, policy)) as keys,
    ):
        typer.echo(keys.link)
        say("Open the link above; Ctrl-C ends the page.")
        if open_browser:
            webbrowser.open(keys.link)
        while not stop.is_set():
            time.sleep(0.2)
    stop.exit_if_interrupted()
