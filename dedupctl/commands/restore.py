"""`restore`, `purge` and `log`: put back what was removed, delete it for good, and see what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from dedupctl.commands.messages import console
from dedupctl.commands.outcomes import say_left_alone, say_settled
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.removal_options import DryRun
from dedupctl.commands.session import AsJson, Session, as_written, print_json
from dedupctl.domain import JournalEntry
from dedupctl.errors import UsageError
from dedupctl.library import Library
from dedupctl.library.removing import Acting
from dedupctl.matching.keeper import rule_in_words
from dedupctl.removal.formats import entry_as_json, outcome_as_json
from dedupctl.removal.outcome import Outcome
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, moment, shown

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
    """Put removed files back in their place, or beside it if it is taken; nothing is ever overwritten."""
    if bool(which) == everything:
        raise UsageError("say which plan or path to restore, or --all")
    session: Session = context.obj
    outcomes: list[Outcome] = []
    with session.library() as library, _acting_unless(dry_run, library) as acting:
        if acting is not None:
            acting.adopt_orphans()
        entries = library.removed() if everything else _chosen(library, which or [])
        if which and not entries:
            raise UsageError("nothing that was removed waits there; see `dedupctl log`")
        if acting is not None:
            with shown_stages() as stage:
                outcomes = acting.restore(entries, progress=partial(stage, "restoring"))
    _show(entries, outcomes, dry_run=dry_run, as_json=as_json, done="restored")


def purge(context: typer.Context, plan: OfPlan = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Delete for good what has been in quarantine past its retention, if a kept copy still reads whole."""
    session: Session = context.obj
    outcomes: list[Outcome] = []
    with session.library() as library, _acting_unless(dry_run, library) as acting:
        entries = library.purgeable(plan)
        if acting is not None:
            with shown_stages() as stage:
                outcomes = acting.purge(plan, progress=partial(stage, "purging"))
    _show(entries, outcomes, dry_run=dry_run, as_json=as_json, done="purged")


def log(
    context: typer.Context,
    plan: OfPlan = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Show at most this many entries; 0 shows all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was done or tried, newest first: when, by which plan and rule, and where each kept copy is."""
    session: Session = context.obj
    count = (None if as_json else 50) if limit is None else limit or None
    with session.library() as library:
        entries = library.journal(plan, limit=count)
    if as_json:
        print_json({"entries": [entry_as_json(entry) for entry in entries]})
        return
    table = Listing.of("when", "plan", "deed", "state", "file", "kept copy", "why")
    for entry in entries:
        keeper = entry.action.keeper
        table.add(
            moment(entry.settled_at or entry.started_at),
            f"{entry.plan_id} ({entry.policy})",
            entry.operation.value,
            entry.state.value,
            shown(entry.action.victim.absolute),
            "" if keeper is None else shown(keeper.absolute),
            shown(entry.reason or rule_in_words(entry.action.rule)),
        )
    console().print(table)


@contextmanager
def _acting_unless(dry_run: bool, library: Library) -> Iterator[Acting | None]:
    """A dry run does not even settle what was cut off."""
    if dry_run:
        yield None
        return
    with library.acting() as acting:
        say_settled(acting.settled)
        yield acting


def _chosen(library: Library, which: Sequence[str]) -> list[JournalEntry]:
    """The entries that these words name. A number is a plan, unless a file of that name was removed here."""
    found: dict[int, JournalEntry] = {}
    for word in which:
        entries = library.removed(path=as_written(word))
        if not entries and word.isdecimal():
            entries = library.removed(int(word))
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
        say_left_alone(left)
        for outcome in outcomes:
            if outcome.done and outcome.reason is not None and outcome.where is not None:
                console().print(Text(f"{shown(outcome.where)}: {shown(outcome.reason)}"))
        console().print(f"{counted(len(outcomes) - len(left), 'file')} {done}")
    if left:
        raise typer.Exit(1)
