"""`roots` and `status`: what is watched, how it is, and whether every store is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.catalog.catalog import Transaction
from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, policy_of, print_json
from dedupctl.domain import FileState, Root
from dedupctl.errors import UsageError
from dedupctl.indexing.roots import add_root, present
from dedupctl.matching.clusters import find_clusters
from dedupctl.policy.rules import keeper_order
from dedupctl.report.facts import FileProblem, LibraryFacts, library_facts, problems_of
from dedupctl.report.tables import library_table, problems_as_json, problems_table, roots_table
from dedupctl.report.wording import shown
from dedupctl.workspace import Workspace

roots_app = typer.Typer(no_args_is_help=True, help="What is watched: list, add, remove.")


def register(app: typer.Typer) -> None:
    roots_app.command("list", epilog="Example:  dedupctl roots list --json")(list_roots)
    roots_app.command("add", epilog="Example:  dedupctl roots add /mnt/archive --reference")(add)
    roots_app.command("remove", epilog="Example:  dedupctl roots remove /mnt/archive")(remove)
    app.add_typer(roots_app, name="roots")
    app.command(epilog="Example:  dedupctl status --errors")(status)


def list_roots(context: typer.Context, as_json: AsJson = False) -> None:
    """The watched folders, what they hold, and whether they are there now."""
    session: Session = context.obj
    with session.workspace() as workspace:
        offline = _offline(workspace)
        if as_json:
            with workspace.catalog.read() as tx:
                print_json({"roots": [_root_as_json(tx, root, offline.get(root.id)) for root in tx.roots.all()]})
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


def status(
    context: typer.Context,
    errors: Annotated[bool, typer.Option("--errors", help="List the files and folders that cannot be read.")] = False,
    as_json: AsJson = False,
) -> None:
    """How the catalog, the backlog, the watch and the index are, and when everything was last looked at."""
    session: Session = context.obj
    with session.workspace() as workspace:
        if errors:
            found = _problems(workspace)
            if as_json:
                print_json(problems_as_json(found))
            else:
                console().print(problems_table(found))
        elif as_json:
            print_json(_status_as_json(session, workspace))
        else:
            _print_status(session, workspace)


def _library(workspace: Workspace) -> LibraryFacts:
    with workspace.catalog.read() as tx:
        return library_facts(tx, find_clusters(tx, order=keeper_order(tx, policy_of(workspace, "tidy"))))


def _problems(workspace: Workspace) -> list[FileProblem]:
    with workspace.catalog.read() as tx:
        return problems_of(tx)


def _offline(workspace: Workspace) -> dict[int, str]:
    """The reason by root id, for each root that is not there now."""
    with workspace.catalog.read() as tx:
        roots = tx.roots.all()
    reasons = {root.id: present(workspace.catalog, root)[1] for root in roots}
    return {root_id: reason for root_id, reason in reasons.items() if reason is not None}


def _root_as_json(tx: Transaction, root: Root, offline: str | None) -> dict[str, Any]:
    counts = tx.files.count(root.id)
    return {
        "path": os.fsdecode(root.path),
        "reference": root.reference,
        "online": offline is None,
        "reason": offline,
        "files": counts[FileState.PRESENT],
        "errors": counts[FileState.ERROR],
        "bytes": tx.files.total_bytes(root.id),
    }


def _status_as_json(session: Session, workspace: Workspace) -> dict[str, Any]:
    offline = _offline(workspace)
    with workspace.catalog.read() as tx:
        counts = tx.files.count()
        last = tx.runs.last_finished()
        return {
            "home": str(session.home),
            "files": {state.value: count for state, count in counts.items()},
            "contents": tx.contents.count(),
            "bytes": tx.files.total_bytes(),
            "pairs": {kind.value: count for kind, count in tx.pairs.count_by_kind().items()},
            "backlog": tx.contents.count_unmatched(),
            "roots": [_root_as_json(tx, root, offline.get(root.id)) for root in tx.roots.all()],
            "watch": session.daemon_state(tx),
            "index": {
                "fault": workspace.snapshot_fault(),
                "vectors": tx.embeddings.count(workspace.model_id),
                "waiting": tx.embeddings.count_missing(workspace.model_id),
            },
            "last_full_scan": None if last is None else last.finished_at,
            "passed_over": 0 if last is None or last.summary is None else last.summary.passed_over,
        }


def _print_status(session: Session, workspace: Workspace) -> None:
    out = console()
    out.print(library_table(_library(workspace)))
    with workspace.catalog.read() as tx:
        state = session.daemon_state(tx)
    if state is None:
        out.print("watch   not running (dedupctl watch)")
    else:
        out.print(f"watch   {state['doing']}, process {state['pid']}, {state['settling']} files still being written")
        for path, how in state["roots"].items():
            out.print(f"        {path}: {how}")
    with workspace.catalog.read() as tx:
        waiting = tx.embeddings.count_missing(workspace.model_id)
    fault = workspace.snapshot_fault()
    out.print(f"index   {'whole' if fault is None else f'to be rebuilt: {fault}'}")
    if waiting:
        out.print(f"        {waiting:,} pictures wait for a vector of the new model (dedupctl scan, or the daemon)")
