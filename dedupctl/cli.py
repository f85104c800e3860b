"""`dedupctl`: the commands and their exit codes, nothing else.

Exit codes: 0 done, 1 failed for some files (named), 2 wrong use, 3 another process holds the lock, 4 the store is
damaged or newer, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.main import get_group

from dedupctl.commands.messages import guard_stderr, say
from dedupctl.commands.session import Commands, Session
from dedupctl.config import default_home

MODULE_OF = {
    "scan": "scan",
    "watch": "scan",
    "pause": "pause",
    "resume": "pause",
    "service": "service",
    "backup": "backup",
    "restore-catalog": "backup",
    "status": "status",
    "roots": "roots",
    "check": "check",
    "clusters": "clusters",
    "compare": "compare",
    "explain": "explain",
    "find": "find",
    "verdict": "explain",
    "report": "report",
    "serve": "serve",
    "plan": "plan",
    "apply": "apply",
    "restore": "restore",
    "purge": "restore",
    "log": "restore",
    "protect": "protect",
    "unprotect": "protect",
    "export": "export",
    "import": "export",
}
"""The module of `dedupctl.commands` in which each command is, in the order of the help."""


class CommandsOnDemand(Commands):
    """Imports a command's module when it is called, so that `clusters` does not wait for OpenCV and a web server."""

    def list_commands(self, _context: Any) -> list[str]:
        return list(MODULE_OF)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        # For an unknown name, load all commands, so that the closest one can be suggested.
        for module in [MODULE_OF[cmd_name]] if cmd_name in MODULE_OF else dict.fromkeys(MODULE_OF.values()):
            self.commands.update(_commands_of(module))
        return super().get_command(ctx, cmd_name)


def _commands_of(module: str) -> dict[str, Any]:
    app = typer.Typer()
    import_module(f"dedupctl.commands.{module}").register(app)
    return dict(get_group(app).commands)


app = typer.Typer(
    name="dedupctl",
    cls=CommandsOnDemand,
    no_args_is_help=True,
    help="Knows at every moment which photos of a library are the same picture, and proves it.",
    epilog="Start with:  dedupctl scan ~/Pictures && dedupctl clusters",
    pretty_exceptions_enable=False,
)


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
    # A file name may be any bytes: what is not UTF-8 is printed unchanged, without an encoding error.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    os.environ.setdefault("PYTHONIOENCODING", "utf-8:surrogateescape")
    guard_stderr()
    outputs = (sys.stdout, sys.stderr)  # click replaces them when it meets a broken pipe
    try:
        app()
    finally:
        for output in outputs:
            _flush(output)


def _flush(output: TextIO) -> None:
    """Write out what is still buffered, while a failure can still be reported.

    The interpreter would do it after the last handler is gone: if the reader has gone away (`| head`), it prints
    "Exception ignored" and exits with 120, and a full disk would pass for a success.
    """
    try:
        output.flush()
    except OSError as error:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), output.fileno())  # takes what is still in the buffer at the very end
        if not isinstance(error, BrokenPipeError) and output.fileno() != sys.stderr.fileno():
            say(f"dedupctl: cannot write the answer: {error.strerror}")
        sys.exit(1)
