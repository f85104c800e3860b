"""`scan` and `watch`: bring the catalog up to date, once or for good."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import answer, say
from dedupctl.commands.progress import shown_progress
from dedupctl.commands.session import AsJson, Session, hearing_hangups, print_json, stopping_on_signals
from dedupctl.domain import Root, ScanSummary
from dedupctl.indexing.library import scan_library
from dedupctl.indexing.pipeline import Listeners
from dedupctl.indexing.roots import places
from dedupctl.indexing.scan import FolderError
from dedupctl.report.wording import shown

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Folders to add and visit.")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl scan ~/Pictures")(scan)
    app.command(epilog="Example:  dedupctl watch ~/Pictures   (what the systemd unit runs)")(watch)


def scan(context: typer.Context, paths: Folders = None, as_json: AsJson = False) -> None:
    """Index once: new PATHs become roots; without PATH, visit every known root."""
    session: Session = context.obj
    failures = Failures()
    with stopping_on_signals() as stop, session.indexing() as workspace:
        wanted = places(workspace.catalog, [os.fsencode(path) for path in paths or []])
        with shown_progress() as progress:
            listeners = Listeners(progress, failures.folder, stop.is_set)
            summary = scan_library(workspace, wanted, listeners, failures.offline, say)
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        answer(_in_words(summary))
    if stop.is_set():
        say("stopped; the next scan goes on from here")
        stop.exit_if_interrupted()
    elif failures.any:
        raise typer.Exit(1)


def watch(context: typer.Context, paths: Folders = None) -> None:
    """Keep the catalog current: scan, then follow every change until SIGTERM or Ctrl-C. SIGHUP reloads the config."""
    from dedupctl.daemon.lifetime import Lifetime
    from dedupctl.daemon.notify import Notifier

    session: Session = context.obj
    with stopping_on_signals() as stop, hearing_hangups() as take_hangup, session.locked():
        lifetime = Lifetime(session.home, Notifier.from_environment(), stop.is_set, say, take_hangup)
        lifetime.run([os.fsencode(path) for path in paths or []])
    stop.exit_if_interrupted()


class Failures:
    """What could not be visited at all; said at once, and the reason for exit code 1."""

    def __init__(self) -> None:
        self.any = False

    def folder(self, failure: FolderError) -> None:
        self.any = True
        say(f"cannot read {shown(failure.path)}: {failure.reason}")

    def offline(self, root: Root, reason: str) -> None:
        self.any = True
        say(f"{shown(root.path)} is offline, its pictures stay known: {reason}")


def _in_words(summary: ScanSummary) -> str:
    counts = [
        (summary.new, "new"),
        (summary.changed, "changed"),
        (summary.moved, "moved"),
        (summary.gone, "gone"),
        (summary.unchanged, "unchanged"),
    ]
    parts = ", ".join(f"{count:,} {name}" for count, name in counts if count)
    passed_over = f"; {summary.passed_over:,} system folders passed over" if summary.passed_over else ""
    hint = f"; {summary.errors:,} could not be read (dedupctl status --errors)" if summary.errors else ""
    return f"{summary.seen:,} files seen" + (f": {parts}" if parts else "") + passed_over + hint
