"""`status`: how catalog, watch, stores and disks are. The document for scripts is quick: a monitor may ask often."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.catalog.catalog import DAEMON_OUTAGE, DAEMON_PAUSED, Transaction
from dedupctl.commands.messages import console
from dedupctl.commands.session import AsJson, Session, policy_of, print_json
from dedupctl.config import load_config
from dedupctl.daemon.heartbeat import read_heartbeat
from dedupctl.daemon.mounts import MOUNT_TABLE, mount_points
from dedupctl.domain import FileState, Root
from dedupctl.errors import ConfigError
from dedupctl.indexing.roots import present
from dedupctl.paths import join, lies_in
from dedupctl.workspace import Workspace

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
    """How the catalog, the backlog, the watch and the index are, and when everything was last looked at."""
    session: Session = context.obj
    with session.workspace() as workspace:
        if errors:
            _list_errors(workspace, as_json)
        elif as_json:
            print_json(status_document(session, workspace))
        elif live:
            _show_live(session, workspace)
        else:
            _print(session, workspace)


def status_document(session: Session, workspace: Workspace) -> dict[str, Any]:
    """Everything that `status --json` tells. Keys are only ever added."""
    offline = offline_reasons(workspace)
    with workspace.catalog.read() as tx:
        last = tx.runs.last_finished()
        daemon = _daemon_state(session, tx)
        return {
            "home": str(session.home),
            "home_bytes": sum(path.lstat().st_size for path in session.home.rglob("*") if not path.is_dir()),
            "home_free_bytes": shutil.disk_usage(session.home).free,
            "files": {state.value: count for state, count in tx.files.count().items()},
            "errors": tx.files.count_errors(),
            "contents": tx.contents.count(),
            "bytes": tx.files.total_bytes(),
            "pairs": {kind.value: count for kind, count in tx.pairs.count_by_kind().items()},
            "backlog": tx.contents.count_unmatched(),
            "roots": [root_as_json(tx, root, offline.get(root.id)) for root in tx.roots.all()],
            "watch": daemon,
            "paused_since": tx.meta.document(DAEMON_PAUSED),
            "last_outage": tx.meta.document(DAEMON_OUTAGE),
            "config": _config_state(session, daemon),
            "quarantine": _quarantine(tx),
            "index": {
                "fault": workspace.glance_at_snapshot(),
                "vectors": tx.embeddings.count(workspace.model_id),
                "waiting": tx.embeddings.count_missing(workspace.model_id),
            },
            "last_full_scan": None if last is None else last.finished_at,
            "passed_over": 0 if last is None or last.summary is None else last.summary.passed_over,
        }


def root_as_json(tx: Transaction, root: Root, offline: str | None) -> dict[str, Any]:
    counts = tx.files.count(root.id)
    visit = tx.runs.last_visit(root.id)
    return {
        "path": os.fsdecode(root.path),
        "reference": root.reference,
        "online": offline is None,
        "reason": offline,
        "files": counts[FileState.PRESENT],
        "errors": counts[FileState.ERROR],
        "bytes": tx.files.total_bytes(root.id),
        "last_scan": None if visit is None else visit.finished_at,
        "disks": _disks_below(tx, root),
    }


def offline_reasons(workspace: Workspace) -> dict[int, str]:
    """The reason by root id, for each root that is not there now."""
    with workspace.catalog.read() as tx:
        roots = tx.roots.all()
    reasons = {root.id: present(workspace.catalog, root)[1] for root in roots}
    return {root_id: reason for root_id, reason in reasons.items() if reason is not None}


def _disks_below(tx: Transaction, root: Root) -> list[dict[str, Any]]:
    """Other filesystems that are or were mounted below a root; files on one that is away are offline, not missing."""
    mounted = {}
    if MOUNT_TABLE.exists():
        for point, _ in mount_points(MOUNT_TABLE.read_bytes()):
            if lies_in(point, root.path):
                mounted[_device(point)] = point
    found = []
    for device, (count, folder) in sorted(tx.files.count_by_device(root.id).items()):
        if device != root.device:
            path = mounted.get(device) or join(root.path, folder)
            found.append({"path": os.fsdecode(path), "files": count, "mounted": device in mounted})
    return found


def _device(path: bytes) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def _daemon_state(session: Session, tx: Transaction) -> dict[str, Any] | None:
    """What the daemon last said of itself; None when none is running."""
    state = session.daemon_state(tx)
    if state is None:
        return None
    details = read_heartbeat(Path(state["heartbeat"])) if "heartbeat" in state else None
    if details is not None and details.get("pid") == state["pid"]:
        state |= details
        state["hung"] = time.time() - details["beat_at"] > HUNG_SECONDS
    state["workers"] = _workers_of(state["pid"])
    return state


def _config_state(session: Session, daemon: dict[str, Any] | None) -> dict[str, Any]:
    """Whether the running daemon works by what is in the file now."""
    try:
        digest = load_config(session.home).digest
    except ConfigError as error:
        return {"differs": True, "error": str(error)}
    return {"differs": daemon is not None and daemon.get("config") not in (None, digest), "error": None}


def _quarantine(tx: Transaction) -> dict[str, Any]:
    waiting = [entry for entry in tx.journal.resting() if entry.action.verb.quarantines]
    return {
        "files": len(waiting),
        "bytes": sum(entry.action.victim.identity.size for entry in waiting),
        "oldest_at": min((entry.started_at for entry in waiting), default=None),
    }


def _workers_of(pid: int) -> list[dict[str, int]]:
    """The processes below the daemon, with the memory they hold; what cannot be told is left out."""
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


def _list_errors(workspace: Workspace, as_json: bool) -> None:
    from dedupctl.report.facts import problems_of
    from dedupctl.report.tables import problems_as_json, problems_table

    with workspace.catalog.read() as tx:
        found = problems_of(tx)
    if as_json:
        print_json(problems_as_json(found))
    else:
        console().print(problems_table(found))


def _show_live(session: Session, workspace: Workspace) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(console=console(), auto_refresh=False) as screen:
        try:
            while True:
                screen.update(Text("\n".join(_in_words(status_document(session, workspace)))), refresh=True)
                time.sleep(LIVE_SECONDS)
        except KeyboardInterrupt:
            return


def _print(session: Session, workspace: Workspace) -> None:
    from dedupctl.matching.clusters import find_clusters
    from dedupctl.policy.rules import keeper_order
    from dedupctl.report.facts import library_facts
    from dedupctl.report.tables import library_table

    with workspace.catalog.read() as tx:
        facts = library_facts(tx, find_clusters(tx, order=keeper_order(tx, policy_of(workspace, "tidy"))))
    out = console()
    out.print(library_table(facts))
    for line in _in_words(status_document(session, workspace)):
        out.print(line)


def _in_words(document: dict[str, Any]) -> list[str]:
    from dedupctl.commands.status_words import status_lines

    return status_lines(document)
