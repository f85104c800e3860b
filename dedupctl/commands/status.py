"""`status`: how catalog, daemon, stores and disks are. The document for scripts is quick: a monitor may ask often."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.commands.messages import console
from dedupctl.commands.roots import roots_as_json
from dedupctl.commands.session import AsJson, Session, print_json
from dedupctl.commands.status_words import status_lines
from dedupctl.config import load_config
from dedupctl.daemon.heartbeat import read_heartbeat
from dedupctl.errors import ConfigError
from dedupctl.library import Library
from dedupctl.report.documents import problems_as_json
from dedupctl.report.tables import library_table, problems_table

HUNG_SECONDS = 120
"""A daemon whose heartbeat is older has stopped making progress: it writes one every ten seconds."""
LIVE_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl status --watch")(status)


def status(
    context: typer.Context,
    errors: Annotated[bool, typer.Option("--errors", help="List the files and folders that cannot be read.")] = False,
    live: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of catalog, backlog, daemon and vector index, and when the last full scan ended."""
    session: Session = context.obj
    with session.library() as library:
        if errors:
            _list_errors(library, as_json=as_json)
        elif as_json:
            print_json(status_document(library))
        elif live:
            _show_live(library)
        else:
            _print(library)


def status_document(library: Library) -> dict[str, Any]:
    """Everything that `status --json` shows. Keys are only ever added."""
    state = library.state()
    daemon = None if state.daemon is None else _with_heartbeat(state.daemon)
    return {
        "home": str(library.home),
        "home_bytes": sum(path.lstat().st_size for path in library.home.rglob("*") if not path.is_dir()),
        "home_free_bytes": shutil.disk_usage(library.home).free,
        "files": {file_state.value: count for file_state, count in state.files.items()},
        "errors": dict(state.errors),
        "contents": state.contents,
        "bytes": state.total_bytes,
        "pairs": {kind.value: count for kind, count in state.pairs.items()},
        "backlog": state.unmatched,
        "roots": roots_as_json(state.roots),
        "watch": daemon,
        "paused_since": state.paused_since,
        "last_outage": state.last_outage,
        "config": _config_state(library.home, daemon),
        "quarantine": {
            "files": state.quarantine.files,
            "bytes": state.quarantine.total_bytes,
            "oldest_at": state.quarantine.oldest_at,
        },
        "index": {"fault": state.index.fault, "vectors": state.index.vectors, "waiting": state.index.waiting},
        "last_full_scan": state.last_full_scan,
        "passed_over": state.passed_over,
    }


def _with_heartbeat(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the daemon said in the catalog, with its heartbeat and its worker processes."""
    state = dict(said)
    details = read_heartbeat(Path(state["heartbeat"])) if "heartbeat" in state else None
    if details is not None and details.get("pid") == state["pid"]:
        state |= details
        state["hung"] = time.time() - details["beat_at"] > HUNG_SECONDS
    state["workers"] = _workers_of(state["pid"])
    return state


def _config_state(home: Path, daemon: dict[str, Any] | None) -> dict[str, Any]:
    """Whether the running daemon uses the configuration as it is in the file now."""
    try:
        digest = load_config(home).digest
    except ConfigError as error:
        return {"differs": True, "error": str(error)}
    return {"differs": daemon is not None and daemon.get("config") not in (None, digest), "error": None}


def _workers_of(pid: int) -> list[dict[str, int]]:
    """The processes below the daemon, with the memory they hold; those that cannot be read are left out."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        waiting += children
        found += [{"pid": child, "rss_bytes": rss} for child in children if (rss := _rss(child)) is not None]
    return found


def _rss(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return None


def _list_errors(library: Library, *, as_json: bool) -> None:
    found = library.problems()
    if as_json:
        print_json(problems_as_json(found))
    else:
        console().print(problems_table(found))


def _show_live(library: Library) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(console=console(), auto_refresh=False) as screen:
        try:
            while True:
                screen.update(Text("\n".join(status_lines(status_document(library)))), refresh=True)
                time.sleep(LIVE_SECONDS)
        except KeyboardInterrupt:
            return


def _print(library: Library) -> None:
    out = console()
    out.print(library_table(library.totals()))
    for line in status_lines(status_document(library)):
        out.print(line)
