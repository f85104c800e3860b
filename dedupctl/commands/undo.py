"""`restore`, `purge` and `log`: the way back, the end, and what happened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dedupctl.commands.act import DryRun, print_outcomes, say_settled
from dedupctl.commands.messages import console
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.session import AsJson, Session, catalog_path, print_json
from dedupctl.domain import JournalEntry
from dedupctl.errors import UsageError
from dedupctl.matching.keeper import rule_in_words
from dedupctl.removal.formats import entry_as_json, outcome_as_json
from dedupctl.removal.orphans import adopt_strays
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.purge import purge as purge_due
from dedupctl.removal.purge import purgeable
from dedupctl.removal.recover import acting
from dedupctl.removal.restore import restorable
from dedupctl.removal.restore import restore as put_back
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, moment, shown
from dedupctl.workspace import Workspace

OfPlan = Annotated[int | None, typer.Option("--plan", metavar="PLAN", help="Only what this plan removed.")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl restore 1    or:  dedupctl restore ~/Pictures/2019")(restore)
    app.command(epilog="Example:  dedupctl purge --dry-run")(purge)
    app.command(epilog="Example:  dedupctl log --plan 1")(log)


def restore(
    context: typer.Context,
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[PLAN|PATH]...", help="Plan numbers, or where the files were.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that was removed and not purged.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put removed files back at their place, or beside it where it is taken; nothing is ever overwritten."""
    if bool(which) == everything:
        raise UsageError("say which plan or path to restore, or --all")
    session: Session = context.obj
    with session.workspace() as workspace, _acting_unless(dry_run, workspace):
        if not dry_run:
            adopt_strays(workspace.catalog, now=int(time.time()))
        entries = restorable(workspace.catalog) if everything else _chosen(workspace, which or [])
        if which and not entries:
            raise UsageError("nothing that was removed waits there; see `dedupctl log`")
        with shown_stages() as stage:
            outcomes = [] if dry_run else put_back(workspace.catalog, entries, progress=partial(stage, "restoring"))
    _show(entries, outcomes, dry_run=dry_run, as_json=as_json, done="restored")


def purge(context: typer.Context, plan: OfPlan = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """End what has been in quarantine past its retention, if a kept copy still stands and reads whole."""
    session: Session = context.obj
    with session.workspace() as workspace, _acting_unless(dry_run, workspace):
        entries = purgeable(workspace.catalog, now=time.time(), plan_id=plan)
        with shown_stages() as stage:
            outcomes = [] if dry_run else purge_due(workspace.catalog, plan_id=plan, progress=partial(stage, "purging"))
    _show(entries, outcomes, dry_run=dry_run, as_json=as_json, done="purged")


def log(
    context: typer.Context,
    plan: OfPlan = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Show so many entries; 0 shows all.")] = None,
    as_json: AsJson = False,
) -> None:
    """What was done or tried, newest first: when, by which plan and rule, and where each kept copy is."""
    session: Session = context.obj
    count = (None if as_json else 50) if limit is None else limit or None
    with session.workspace() as workspace, workspace.catalog.read() as tx:
        entries = list(tx.journal.entries(plan_id=plan, limit=count))
    if as_json:
        print_json({"entries": [entry_as_json(entry) for entry in entries]})
        return
    table = Listing.of("when", "plan", "deed", "state", "file", "kept copy", "why")
    for entry in entries:
        keeper = entry.action.keeper
        table.add(
            moment(entry.settled_at or entry.started_at),
            f"{entry.plan_id} ({entry.policy})",
            entry.deed.value,
            entry.state.value,
            shown(entry.action.victim.absolute),
            "" if keeper is None else shown(keeper.absolute),
            shown(entry.reason or rule_in_words(entry.action.rule)),
        )
    console().print(table)


@contextmanager
def _acting_unless(dry_run: bool, workspace: Workspace) -> Iterator[None]:
    """A dry run does not even settle what was cut off."""
    if dry_run:
        yield
        return
    with acting(workspace.home, workspace.catalog) as settled:
        say_settled(settled)
        yield


def _chosen(workspace: Workspace, which: Sequence[str]) -> list[JournalEntry]:
    """A word of digits is a plan, unless a file of that name was removed here."""
    found: dict[int, JournalEntry] = {}
    for word in which:
        # As it is written, for what was indexed through a link, and as it really is, for what lies behind one.
        places = dict.fromkeys((os.path.abspath(os.fsencode(word)), catalog_path(Path(word))))
        entries = [entry for place in places for entry in restorable(workspace.catalog, path=place)]
        if not entries and word.isdecimal():
            entries = restorable(workspace.catalog, plan_id=int(word))
        found |= {entry.id: entry for entry in entries}
    return list(found.values())


def _show(entries: Sequence[JournalEntry], outcomes: list[Outcome], *, dry_run: bool, as_json: bool, done: str) -> None:
    left = [outcome for outcome in outcomes if not outcome.done]
    if as_json:
        document = [entry_as_json(one) for one in entries] if dry_run else [outcome_as_json(one) for one in outcomes]
        print_json({"would be " + done if dry_run else done: len(entries) - len(left), "files": document})
    elif dry_run:
        for entry in entries:
            console().print(Text(shown(entry.action.victim.absolute)))
        console().print(f"{counted(len(entries), 'file')} would be {done}")
    else:
        print_outcomes(left)
        for outcome in outcomes:
            if outcome.done and outcome.reason is not None and outcome.where is not None:
                console().print(Text(f"{shown(outcome.where)}: {shown(outcome.reason)}"))
        console().print(f"{counted(len(outcomes) - len(left), 'file')} {done}")
    if left:
        raise typer.Exit(1)
