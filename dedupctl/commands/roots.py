"""`roots`: which folders are watched."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, as_written, print_json
from dedupctl.library.state import RootState
from dedupctl.report.tables import roots_table
from dedupctl.report.wording import shown

roots_app = typer.Typer(no_args_is_help=True, help="List, add and remove watched folders.")


def register(app: typer.Typer) -> None:
    roots_app.command("list", epilog="Example:  dedupctl roots list --json")(list_roots)
    roots_app.command("add", epilog="Example:  dedupctl roots add /mnt/archive --reference")(add)
    roots_app.command("remove", epilog="Example:  dedupctl roots remove /mnt/archive")(remove)
    app.add_typer(roots_app, name="roots")


def list_roots(context: typer.Context, as_json: AsJson = False) -> None:
    """List the watched folders, what they hold, and whether they are online."""
    session: Session = context.obj
    with session.library() as library:
        states = library.root_states()
        if as_json:
            print_json({"roots": roots_as_json(states)})
            return
        offline = {state.root.id: state.offline for state in states if state.offline is not None}
        console().print(roots_table(library.totals().roots, offline))


def add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to watch.")],
    reference: Annotated[bool, typer.Option("--reference", help="Prefer its files as keepers.")] = False,
) -> None:
    """Watch a folder; a running daemon picks it up, otherwise the next scan does."""
    session: Session = context.obj
    with session.library(create=True) as library:
        root = library.add_root(as_written(path), reference=reference)
    say(f"watching {shown(root.path)}")


def remove(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to stop watching.")],
) -> None:
    """Stop watching a folder. Its files are not touched; verdicts and fingerprints are kept."""
    session: Session = context.obj
    with session.library() as library:
        root = library.remove_root(as_written(path))
    say(f"no longer watching {shown(root.path)}; its files were not touched")


def roots_as_json(states: Iterable[RootState]) -> list[dict[str, Any]]:
    """The roots as `roots list --json` and `status --json` name them."""
    return [
        {
            "path": os.fsdecode(state.root.path),
            "reference": state.root.reference,
            "online": state.offline is None,
            "reason": state.offline,
            "files": state.files,
            "errors": state.errors,
            "bytes": state.total_bytes,
        }
        for state in states
    ]
