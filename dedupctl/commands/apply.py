"""`apply`: carry out a plan."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dedupctl.commands.clusters import Kinds
from dedupctl.commands.messages import console, say
from dedupctl.commands.outcomes import say_left_alone, say_settled
from dedupctl.commands.plan import print_plan, refused_because
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.removal_options import (
    Action,
    DryRun,
    MergeSidecars,
    NoQuarantine,
    PolicyName,
    Share,
    WithAnnotations,
    Yes,
    policy_changes,
)
from dedupctl.commands.session import AsJson, Session, print_json, stopping_on_signals
from dedupctl.domain import Plan
from dedupctl.errors import UsageError
from dedupctl.library import Library
from dedupctl.removal.apply import Applied
from dedupctl.removal.formats import applied_as_json, plan_as_json
from dedupctl.report.wording import counted, size


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl apply --policy safe    or, after `dedupctl plan`:  dedupctl apply 1")(apply)


def apply(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(metavar="[PLAN]", help="The number that `plan` gave.")] = None,
    policy: PolicyName = None,
    action: Action = None,
    kind: Kinds = None,
    no_quarantine: NoQuarantine = False,
    with_annotations: WithAnnotations = False,
    merge_sidecars: MergeSidecars = False,
    max_remove_share: Share = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Carry out a plan, or plan by a policy, show it, ask, and carry it out. `restore` takes it all back."""
    if (number is None) == (policy is None):
        raise UsageError("say which plan (`dedupctl apply 1`) or which policy (`dedupctl apply --policy safe`)")
    session: Session = context.obj
    with session.library() as library:
        if number is not None:
            if action is not None or kind or no_quarantine or with_annotations or merge_sidecars:
                raise UsageError("a plan is frozen; make another one to do it differently")
            made = library.stored_plan(number)
            share = library.share_allowed(made.policy, max_remove_share)
        else:
            share = library.share_allowed(policy or "", max_remove_share)
            made = library.plan(
                policy or "",
                kinds=kind,
                action=action,
                quarantine=not no_quarantine,
                changes=policy_changes(with_annotations=with_annotations, merge_sidecars=merge_sidecars),
                dry_run=dry_run,
            )
        # Whoever gives a number has seen the plan.
        carry_out(library, made, share=share, yes=yes, dry_run=dry_run, as_json=as_json, seen=number is not None)


def carry_out(
    library: Library,
    made: Plan,
    *,
    share: float,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    seen: bool = False,
) -> None:
    """Show the plan, ask, carry it out, and say how it went; exits with 1 if a file had to be left alone.

    With `yes` the plan is shown and nobody is asked. A plan that was `seen` before is neither shown nor asked about.
    """
    if dry_run:
        _show_only(library, made, share=share, as_json=as_json)
        return
    if as_json and not (yes or seen):
        raise UsageError("--json cannot ask: add --yes, or --dry-run")
    library.require_modest_share(made, share)
    if not (seen or as_json):
        print_plan(made)
    if not (seen or yes) and not _is_wanted(made):
        return
    with library.acting() as acting, stopping_on_signals() as stop, shown_stages() as stage:
        say_settled(acting.settled)
        applied = acting.apply(
            made, max_remove_share=share, progress=partial(stage, "removing"), is_stopped=stop.is_set
        )
    if as_json:
        print_json(applied_as_json(applied))
    else:
        _print(applied)
    if applied.stopped:
        say(f"stopped; `dedupctl apply {made.id}` goes on from here")
        stop.exit_if_interrupted()
    if not applied.complete:
        raise typer.Exit(1)


def _show_only(library: Library, made: Plan, *, share: float, as_json: bool) -> None:
    """A dry run: the plan, and whether it would be refused."""
    if as_json:
        print_json(plan_as_json(made))
    else:
        print_plan(made)
    excess = library.excess(made, share)
    if excess is not None:
        say(f"`apply` would refuse this plan: {refused_because(excess)}")


def _is_wanted(made: Plan) -> bool:
    """Ask; after a no, say how the plan can still be carried out."""
    if not made.removals:
        say("there is nothing to do")
        return False
    wanted = typer.confirm("Do this?", err=True)
    if not wanted:
        say(f"nothing was done; `dedupctl apply {made.id}` carries the plan out later")
    return wanted


def _print(applied: Applied) -> None:
    say_left_alone([*applied.refused, *applied.not_purged])
    console().print(f"{counted(applied.removed, 'file')} removed ({size(applied.bytes_removed)})")
    if applied.purged:
        console().print(f"{counted(applied.purged, 'file')} purged")
    elif applied.removed:
        say(f"take it back with `dedupctl restore {applied.plan_id}`")
