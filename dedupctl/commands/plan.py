"""`plan`: what a policy would remove, and why."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from dedupctl.commands.clusters import Kinds
from dedupctl.commands.messages import console, hand_over_script, say
from dedupctl.commands.removal_options import (
    Action,
    DryRun,
    MergeSidecars,
    NoQuarantine,
    PolicyName,
    WithAnnotations,
    policy_changes,
)
from dedupctl.commands.session import AsJson, Session, print_json
from dedupctl.domain import Plan, PlanSummary
from dedupctl.matching.keeper import rule_in_words
from dedupctl.policy.guards import Excess
from dedupctl.removal.formats import plan_as_json, plan_as_shell
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, moment, shown, size

SHOWN_SKIPPED = 20
"""How many of the files that stay are listed on a terminal; `--json` lists all."""


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl plan --policy tidy")(plan)


def plan(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(metavar="[PLAN]", help="Show this plan again.")] = None,
    policy: PolicyName = None,
    action: Action = None,
    kind: Kinds = None,
    no_quarantine: NoQuarantine = False,
    with_annotations: WithAnnotations = False,
    merge_sidecars: MergeSidecars = False,
    list_plans: Annotated[bool, typer.Option("--list", help="List all plans instead.")] = False,
    shell: Annotated[bool, typer.Option("--shell", help="Print the plan as a shell script.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Freeze what a policy would remove, and why, under a number. Touches no picture."""
    session: Session = context.obj
    with session.library() as library:
        if list_plans:
            _print_plans(library.plans(), as_json=as_json)
            return
        if number is not None:
            made = library.stored_plan(number)
        else:
            made = library.plan(
                policy or "safe",
                kinds=kind,
                action=action,
                quarantine=not no_quarantine,
                changes=policy_changes(with_annotations=with_annotations, merge_sidecars=merge_sidecars),
                dry_run=dry_run,
            )
        excess = library.excess(made)
    if shell:
        hand_over_script(plan_as_shell(made))
    elif as_json:
        print_json(plan_as_json(made) | {"refused": None if excess is None else refused_because(excess)})
    else:
        print_plan(made)
    if excess is not None and not as_json:
        say(f"`apply` would refuse this plan: {refused_because(excess)}")


def print_plan(made: Plan) -> None:
    """What would go, for which kept copy, by which rule; then what would be written, and which copies stay."""
    out = console()
    table = Listing.of("would go", "size", "kind", "kept copy", "which was preferred because")
    leaving = [action for action in made.removals if action.verb.removes]
    for action in leaving:
        table.add(
            shown(action.victim.absolute),
            size(action.victim.identity.size),
            action.kind.value if action.kind else "",
            "" if action.keeper is None else shown(action.keeper.absolute),
            shown(rule_in_words(action.rule)),
        )
    if leaving:
        out.print(table)
    for action in made.removals:
        if not action.verb.removes:
            out.print(Text(f"new: {shown(action.victim.absolute)}: {shown(rule_in_words(action.rule))}"))
    skipped = [action for action in made.actions if action.skipped is not None]
    for action in skipped[:SHOWN_SKIPPED]:
        out.print(Text(f"stays: {shown(action.victim.absolute)}: {shown(action.skipped or '')}"))
    if len(skipped) > SHOWN_SKIPPED:
        out.print(f"... and {len(skipped) - SHOWN_SKIPPED:,} more that stay (--json lists them)")
    number = f"plan {made.id}" if made.id else "a dry run"
    freed = sum(action.victim.identity.size for action in leaving)
    verb = next((action.verb.value for action in leaving), "quarantine")
    out.print(f"{number}: {counted(len(leaving), 'file')} ({size(freed)}) to {verb}")


def refused_because(excess: Excess) -> str:
    """Why a plan would be refused, and which option allows it."""
    return f"it removes {shown(excess.pictures)}; {excess.remedy}"


def _print_plans(plans: list[PlanSummary], *, as_json: bool) -> None:
    if as_json:
        keys = ("id", "created_at", "policy", "removals", "done")
        print_json({"plans": [{key: getattr(one, key) for key in keys} for one in plans]})
        return
    table = Listing.of("plan", "made", "policy", "would remove", "removed")
    for one in plans:
        table.add(str(one.id), moment(one.created_at), one.policy, f"{one.removals:,}", f"{one.done:,}")
    console().print(table)
