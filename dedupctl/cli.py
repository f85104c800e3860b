"""`dedupctl`: the commands and their exit codes, nothing else.

Exit codes: 0 done, 1 failed for some files (named), 2 wrong use, 3 another process holds the lock, 4 the store is
damaged or newer, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands import act, compare, explain, export, index, library, listing, pages, protect, serve, undo
from dedupctl.commands.session import Commands, Session
from dedupctl.config import default_home

app = typer.Typer(
    name="dedupctl",
    cls=Commands,
    no_args_is_help=True,
    help="Knows at every moment which photos of a library are the same picture, and proves it.",
    epilog="Start with:  dedupctl scan ~/Pictures && dedupctl clusters",
    pretty_exceptions_enable=False,
)
for room in (index, library, listing, compare, explain, pages, serve, act, undo, protect, export):
    room.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version("dedupctl"))
        raise typer.Exit


@app.callback()
def _home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Where dedupctl keeps its catalog. [env: DEDUPCTL_HOME]"),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    context.obj = Session(home=(home or default_home()).absolute())


def main() -> None:
    """The console script."""
    # A file name may be any bytes: what is not UTF-8 is printed as it came, never an encoding error.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    os.environ.setdefault("PYTHONIOENCODING", "utf-8:surrogateescape")
    app()
