"""`protect` and `unprotect`: what nothing may ever remove."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, as_written, print_json
from dedupctl.report.wording import shown


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl protect ~/Pictures/originals")(protect)
    app.command(epilog="Example:  dedupctl unprotect ~/Pictures/originals")(unprotect)


def protect(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders.")] = None,
    as_json: AsJson = False,
) -> None:
    """Never remove these files, or anything in these folders, under whatever name; without PATH, list them."""
    session: Session = context.obj
    with session.library() as library:
        if paths:
            library.protect(map(as_written, paths))
        protected = library.protected()
    if as_json:
        print_json({"protected": [os.fsdecode(path) for path in protected]})
    elif paths:
        say(f"protected: {_listed(paths)}")
    else:
        for path in protected:
            console().print(shown(path))


def unprotect(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="As given to `protect`.")],
) -> None:
    """Let these files and folders be treated like any other."""
    session: Session = context.obj
    with session.library() as library:
        library.unprotect(map(as_written, paths))
    say(f"no longer protected: {_listed(paths)}")


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(shown(os.fsencode(path)) for path in paths)
