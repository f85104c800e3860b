"""`roots`: what is watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, policy_of, print_json
from dedupctl.commands.status import offline_reasons, root_as_json
from dedupctl.errors import UsageError
from dedupctl.indexing.moved_root import move_root
from dedupctl.indexing.roots import add_root
from dedupctl.matching.clusters import find_clusters
from dedupctl.policy.rules import keeper_order
from dedupctl.report.facts import LibraryFacts, library_facts
from dedupctl.report.tables import roots_table
from dedupctl.report.wording import shown
from dedupctl.workspace import Workspace

roots_app = typer.Typer(no_args_is_help=True, help="What is watched: list, add, remove, move.")


def register(app: typer.Typer) -> None:
    roots_app.command("list", epilog="Example:  dedupctl roots list --json")(list_roots)
    roots_app.command("add", epilog="Example:  dedupctl roots add /mnt/archive --reference")(add)
    roots_app.command("remove", epilog="Example:  dedupctl roots remove /mnt/archive")(remove)
    roots_app.command("move", epilog="Example:  dedupctl roots move /mnt/old/photos /mnt/new/photos")(move)
    app.add_typer(roots_app, name="roots")


def list_roots(context: typer.Context, as_json: AsJson = False) -> None:
    """The watched folders, what they hold, and whether they are there now."""
    session: Session = context.obj
    with session.workspace() as workspace:
        offline = offline_reasons(workspace)
        if as_json:
            with workspace.catalog.read() as tx:
                print_json({"roots": [root_as_json(tx, root, offline.get(root.id)) for root in tx.roots.all()]})
            return
        console().print(roots_table(_library(workspace).roots, offline))


def add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to watch.")],
    reference: Annotated[bool, typer.Option("--reference", help="Prefer its files as keepers.")] = False,
) -> None:
    """Watch a folder; a running daemon takes it up, else the next scan does."""
    session: Session = context.obj
    with Workspace.open(session.home, create=True) as workspace:
        root = add_root(workspace.catalog, os.fsencode(path), reference=reference)
        if root.reference != reference:
            with workspace.catalog.write(durable=True) as tx:
                tx.roots.set_reference(root.id, reference)
    say(f"watching {shown(root.path)}")


def remove(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to watch no longer.")],
) -> None:
    """Watch a folder no longer. Its files are not touched; verdicts and fingerprints are kept."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write(durable=True) as tx:
        root = tx.roots.at(os.path.realpath(os.fsencode(path)))
        if root is None:
            raise UsageError(f"{path} is not a watched folder; see `dedupctl roots list`")
        tx.roots.remove(root.id)
        tx.unreadable_folders.forget(root.path)
    say(f"no longer watching {shown(root.path)}; its files were not touched")


def move(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The watched folder, as `roots list` names it.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Where its files are now.")],
) -> None:
    """A watched folder is elsewhere now (copied to another disk, mounted elsewhere). Keeps all that is known, done and
    protected, and reads nothing but a sample."""
    from dedupctl.removal.recover import acting

    session: Session = context.obj
    with session.locked(), session.workspace() as workspace, acting(session.home, workspace.catalog):
        moved = move_root(workspace.catalog, os.path.abspath(os.fsencode(old)), os.fsencode(new))
    others = f"; {moved.others:,} were not met as they were, the next scan looks for them" if moved.others else ""
    say(f"{shown(moved.path)} is the root now, with {moved.met:,} known files{others}")


def _library(workspace: Workspace) -> LibraryFacts:
    with workspace.catalog.read() as tx:
        return library_facts(tx, find_clusters(tx, order=keeper_order(tx, policy_of(workspace, "tidy"))))
