"""`protect` and `unprotect`: what nothing may ever remove."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, print_json
from dedupctl.errors import UsageError
from dedupctl.policy.protection import protected_forms
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
    with session.workspace() as workspace:
        missing = [path for path in paths or [] if not os.path.lexists(path)]
        if missing:
            raise UsageError(f"no such file or folder: {missing[0]}")
        forms = [form for path in paths or [] for form in protected_forms(os.fsencode(path))]
        with workspace.catalog.write(durable=True) as tx:
            tx.protected.add(forms, int(time.time()))
            protected = tx.protected.all()
    if as_json:
        print_json({"protected": [os.fsdecode(path) for path in protected]})
    elif paths:
        say(f"protected: {', '.join(shown(os.fsencode(path)) for path in paths)}")
    else:
        for path in protected:
            console().print(shown(path))


def unprotect(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="As given to `protect`.")],
) -> None:
    """Let these files and folders be treated like any other."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write(durable=True) as tx:
        for path in paths:
            if not tx.protected.remove(protected_forms(os.fsencode(path))):
                raise UsageError(f"{path} is not protected; see `dedupctl protect`")
    say(f"no longer protected: {', '.join(shown(os.fsencode(path)) for path in paths)}")
