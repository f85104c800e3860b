"""`serve`: the page on which a person reviews clusters."""

from __future__ import annotations

import sys
import time
import webbrowser
from collections.abc import Callable
from typing import Annotated

import typer

from dedupctl.commands.messages import hand_over, say
from dedupctl.commands.session import KeepersOf, Session, stopping_on_signals
from dedupctl.web.browser_redirect import redirect_to
from dedupctl.web.keys import THIS_MACHINE, Keys, base_url_of
from dedupctl.web.password import find_password, set_password
from dedupctl.web.server import serving

LOOK_SECONDS = 0.2


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl serve --open")(serve)


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    policy: KeepersOf = "tidy",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="ADDR",
            help="Let other machines in, with a password: listen on this address (0.0.0.0 means all).",
        ),
    ] = None,
    base_url: Annotated[
        str,
        typer.Option("--base-url", metavar="PATH", help="Path of the page behind a proxy, such as /photos/."),
    ] = "",
    new_password: Annotated[
        bool, typer.Option("--set-password", help="Ask for the password for --listen, store its hash, and exit.")
    ] = False,
) -> None:
    """Review clusters in the browser, on this machine only. Works with or without a running daemon."""
    session: Session = context.obj
    if new_password:
        with session.library():
            say(f"the password's hash is in {set_password(session.home, _asked())}")
        return
    with stopping_on_signals() as stop, session.library() as library:
        password = None if listen is None else find_password(session.home)
        address, base = listen or THIS_MACHINE, base_url_of(base_url)
        shown_by = library.policy(policy)
        with serving(library.workspace, port, shown_by, address=address, password=password, base_url=base) as keys:
            hand_over(keys.link)
            say(_how_to_enter(keys))
            if open_browser:
                _open(keys, stop.is_set)
            while not stop.is_set():
                time.sleep(LOOK_SECONDS)
    stop.exit_if_interrupted()


def _open(keys: Keys, stopped: Callable[[], bool]) -> None:
    if keys.password is not None:
        webbrowser.open(keys.link)
        return
    with redirect_to(keys.link) as file:
        webbrowser.open(file.as_uri())
        # The browser may take a while; the file is deleted once its token is used up.
        while not keys.token.spent and not stopped():
            time.sleep(LOOK_SECONDS)


def _asked() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _how_to_enter(keys: Keys) -> str:
    if keys.password is None:
        return "Open the link above in one browser; Ctrl-C ends the page."
    return (
        "The page asks for the password; Ctrl-C ends it. Password and pictures cross the network unencrypted: put a"
        ' TLS proxy that passes on the Host header in front of it (README, "From other machines"), for instance '
        f"`caddy reverse-proxy --from photos.example.org --to {THIS_MACHINE}:{keys.port}`."
    )
