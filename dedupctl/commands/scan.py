"""`scan` and `watch`: bring the catalog up to date, once or for good."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import answer, say
from dedupctl.commands.progress import shown_progress
from dedupctl.commands.session import (
    AsJson,
    Session,
    as_written,
    hearing_hangups,
    print_json,
    stopping_on_signals,
    warn_of_network,
)
from dedupctl.domain import ScanSummary
from dedupctl.library.opened import indexing_lock

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Folders to add and visit.")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl scan ~/Pictures")(scan)
    app.command(epilog="Example:  dedupctl watch ~/Pictures   (what the systemd unit runs)")(watch)


def scan(context: typer.Context, paths: Folders = None, as_json: AsJson = False) -> None:
    """Index once: new PATHs become roots; without PATH, visit every known root."""
    session: Session = context.obj
    unvisited: list[str] = []

    def note(message: str) -> None:
        unvisited.append(message)
        say(message)

    with stopping_on_signals() as stop, session.library(create=True) as library:
        warn_of_network(session.home)
        with shown_progress() as progress:
            summary = library.scan(
                map(as_written, paths or []),
                progress=progress,
                is_stopped=stop.is_set,
                on_message=say,
                on_unvisited=note,
            )
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        answer(_in_words(summary))
    if stop.is_set():
        say("stopped; the next scan goes on from here")
        stop.exit_if_interrupted()
    elif unvisited:
        raise typer.Exit(1)


def watch(context: typer.Context, paths: Folders = None) -> None:
    """Keep the catalog current: scan, then follow every change until SIGTERM or Ctrl-C. SIGHUP reloads the config."""
    from dedupctl.daemon.lifetime import Lifetime
    from dedupctl.daemon.notify import Notifier

    session: Session = context.obj
    with stopping_on_signals() as stop, hearing_hangups() as take_hangup, indexing_lock(session.home):
        lifetime = Lifetime(session.home, Notifier.from_environment(), stop.is_set, say, take_hangup)
        lifetime.run(list(map(as_written, paths or [])))
    stop.exit_if_interrupted()


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
