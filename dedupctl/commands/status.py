"""`status`: how the catalog, the backlog, the daemon and the vector index are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.commands.messages import console
from dedupctl.commands.roots import roots_as_json
from dedupctl.commands.session import AsJson, Session, print_json
from dedupctl.library import Library
from dedupctl.library.state import LibraryState
from dedupctl.report.documents import problems_as_json
from dedupctl.report.tables import library_table, problems_table


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl status --errors")(status)


def status(
    context: typer.Context,
    errors: Annotated[bool, typer.Option("--errors", help="List the files and folders that cannot be read.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of catalog, backlog, daemon and vector index, and when the last full scan ended."""
    session: Session = context.obj
    with session.library() as library:
        if errors:
            found = library.problems()
            if as_json:
                print_json(problems_as_json(found))
            else:
                console().print(problems_table(found))
        elif as_json:
            print_json(_as_json(session.home, library.state()))
        else:
            _print(library)


def _as_json(home: Path, state: LibraryState) -> dict[str, Any]:
    return {
        "home": str(home),
        "files": {file_state.value: count for file_state, count in state.files.items()},
        "contents": state.contents,
        "bytes": state.total_bytes,
        "pairs": {kind.value: count for kind, count in state.pairs.items()},
        "backlog": state.unmatched,
        "roots": roots_as_json(state.roots),
        "watch": state.daemon,
        "index": {"fault": state.index.fault, "vectors": state.index.vectors, "waiting": state.index.waiting},
        "last_full_scan": state.last_full_scan,
        "passed_over": state.passed_over,
    }


def _print(library: Library) -> None:
    out = console()
    out.print(library_table(library.totals()))
    daemon = library.daemon_state()
    if daemon is None:
        out.print("watch   not running (dedupctl watch)")
    else:
        out.print(f"watch   {daemon['doing']}, process {daemon['pid']}, {daemon['settling']} files still being written")
        for path, how in daemon["roots"].items():
            out.print(f"        {path}: {how}")
    index = library.index_state()
    out.print(f"index   {'whole' if index.fault is None else f'to be rebuilt: {index.fault}'}")
    if index.waiting:
        out.print(
            f"        {index.waiting:,} pictures wait for a vector of the new model (dedupctl scan, or the daemon)"
        )
