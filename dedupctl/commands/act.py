"""`plan` and `apply`: what would go and why, and then it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.text import Text

from dedupctl.commands.listing import Kinds
from dedupctl.commands.messages import console, hand_over_script, say
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.session import AsJson, Session, policy_of, print_json, stopping_on_signals
from dedupctl.config import PolicyConfig
from dedupctl.domain import EntryState, PairKind, Plan
from dedupctl.errors import UsageError
from dedupctl.matching.keeper import rule_in_words
from dedupctl.policy.guards import Excess, excessive_share, require_modest_share
from dedupctl.policy.plan import Request, draft_plan, make_plan
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.formats import applied_as_json, plan_as_json, plan_as_shell
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.recover import acting
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, moment, shown, size
from dedupctl.workspace import Workspace

SHOWN_SKIPPED = 20
"""So many files that stay are listed on a terminal; `--json` has them all."""

PolicyName = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help="A policy of config.toml, or the ready-made safe or tidy."),
]
Action = Annotated[
    str | None,
    typer.Option(
        "--action",
        metavar="ACTION",
        help="quarantine, trash, delete, hardlink, reflink or symlink, whatever the policy says.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NoQuarantine = Annotated[bool, typer.Option("--no-quarantine", help="With the action delete: purge in the same run.")]
WithAnnotations = Annotated[bool, typer.Option("--with-annotations", help="Annotation files go with their picture.")]
MergeSidecars = Annotated[
    bool, typer.Option("--merge-sidecars", help="Carry over what only a removed copy or its sidecars say.")
]
Share = Annotated[
    float | None,
    typer.Option("--max-remove-share", metavar="PERCENT", help="Do nothing if a root would lose more of its pictures."),
]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl plan --policy tidy")(plan)
    app.command(epilog="Example:  dedupctl apply --policy safe    or, after `dedupctl plan`:  dedupctl apply 1")(apply)


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
    with session.workspace() as workspace:
        if list_plans:
            _print_plans(workspace, as_json=as_json)
            return
        if number is not None:
            made = _stored(workspace, number)
        else:
            name = policy or "safe"
            chosen = policy_named(
                workspace, name, action, kinds=kind, with_annotations=with_annotations, merge_sidecars=merge_sidecars
            )
            made = freeze(workspace, name, chosen, asked_of(chosen, no_quarantine=no_quarantine), store=not dry_run)
        allowed = workspace.config.policies.get(made.policy, PolicyConfig()).max_remove_share
        with workspace.catalog.read() as tx:
            excess = excessive_share(tx, made, allowed)
        if shell:
            hand_over_script(plan_as_shell(made))
        elif as_json:
            print_json(plan_as_json(made) | {"refused": None if excess is None else _refused(excess)})
        else:
            print_plan(made)
        if excess is not None and not as_json:
            say(f"`apply` would refuse this plan: {_refused(excess)}")


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
    with session.workspace() as workspace:
        if number is not None:
            if action is not None or kind or no_quarantine or with_annotations or merge_sidecars:
                raise UsageError("a plan is frozen; make another one to do it differently")
            made = _stored(workspace, number)
            share = share_allowed(workspace.config.policies.get(made.policy, PolicyConfig()), max_remove_share)
        else:
            name = policy or ""
            chosen = policy_named(
                workspace, name, action, kinds=kind, with_annotations=with_annotations, merge_sidecars=merge_sidecars
            )
            share = share_allowed(chosen, max_remove_share)
            made = freeze(workspace, name, chosen, asked_of(chosen, no_quarantine=no_quarantine), store=not dry_run)
        # A number was given by somebody who has seen the plan.
        run(workspace, made, share=share, yes=yes, dry_run=dry_run, as_json=as_json, seen=number is not None)


def policy_named(
    workspace: Workspace,
    name: str,
    action: str | None,
    *,
    kinds: Sequence[PairKind] | None,
    with_annotations: bool,
    merge_sidecars: bool,
) -> PolicyConfig:
    """A policy of the configuration, changed by what was said on the command line.

    Raises:
        UsageError: no such policy, or the two do not go together.
    """
    policy = policy_of(workspace, name)
    said: dict[str, Any] = {}
    if action is not None:
        said |= {"action": action, "move_to": None if action != "move-to" else policy.move_to}
    if kinds:
        said["kinds"] = tuple(kind.value for kind in kinds)
    if with_annotations:
        said["with_annotations"] = True
    if merge_sidecars:
        said["merge_sidecars"] = True
    try:
        return PolicyConfig.model_validate(policy.model_dump() | said)
    except ValidationError as error:
        raise UsageError(f"this does not go with the policy {name!r}: {_said_of(error)}") from error


def asked_of(policy: PolicyConfig, *, no_quarantine: bool, across: tuple[bytes, bytes] | None = None) -> Request:
    """What is asked of the plan besides its policy.

    Raises:
        UsageError: `no_quarantine` without the action delete.
    """
    if no_quarantine and policy.action != "delete":
        raise UsageError("--no-quarantine goes with the action delete only, spelled out: --action delete")
    return Request(quarantine=not no_quarantine, across=across)


def share_allowed(policy: PolicyConfig, said: float | None) -> float:
    """The percentage of a root that may go: as said on the command line, else as the policy has it.

    Raises:
        UsageError: no percentage. "nan" is one to a parser of numbers, and no share is ever larger than that.
    """
    share = policy.max_remove_share if said is None else said
    if not 0 <= share <= 100:
        raise UsageError(f"--max-remove-share is a percentage from 0 to 100, not {share:g}")
    return share


def freeze(workspace: Workspace, name: str, policy: PolicyConfig, request: Request, *, store: bool) -> Plan:
    """A plan of what the policy would do now, stored unless this is a dry run."""
    making = make_plan if store else draft_plan
    return making(workspace.catalog, name, policy, now=int(time.time()), request=request)


def run(
    workspace: Workspace,
    made: Plan,
    *,
    share: float,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    seen: bool = False,
) -> None:
    """Show the plan, ask, carry it out, and say what came of it; ends with 1 if a file had to be left alone.

    With `yes` it is shown and nobody is asked; what was `seen` before is neither shown nor asked for.
    """
    if dry_run:
        _show_only(workspace, made, share=share, as_json=as_json)
        return
    if as_json and not (yes or seen):
        raise UsageError("--json cannot ask: add --yes, or --dry-run")
    with workspace.catalog.read() as tx:
        require_modest_share(tx, made.id, share)
    if not (seen or as_json):
        print_plan(made)
    if not (seen or yes) and not _is_wanted(made):
        return
    with (
        acting(workspace.home, workspace.catalog) as settled,
        stopping_on_signals() as stop,
        shown_stages() as stage,
    ):
        say_settled(settled)
        applied = apply_plan(
            workspace.catalog,
            made.id,
            max_remove_share=share,
            progress=partial(stage, "removing"),
            is_stopped=stop.is_set,
        )
    if as_json:
        print_json(applied_as_json(applied))
    else:
        _print_applied(applied)
    if applied.stopped:
        say(f"stopped; `dedupctl apply {made.id}` goes on from here")
        stop.exit_if_interrupted()
    if not applied.complete:
        raise typer.Exit(1)


def _show_only(workspace: Workspace, made: Plan, *, share: float, as_json: bool) -> None:
    """A dry run: the plan, and whether it would be refused."""
    if as_json:
        print_json(plan_as_json(made))
    else:
        print_plan(made)
    with workspace.catalog.read() as tx:
        excess = excessive_share(tx, made, share)
    if excess is not None:
        say(f"it would not be done: {_refused(excess)}")


def _is_wanted(made: Plan) -> bool:
    """Ask; whatever is answered, it is said what follows."""
    if not made.removals:
        say("there is nothing to do")
        return False
    wanted = typer.confirm("Do this?", err=True)
    if not wanted:
        say(f"nothing was done; `dedupctl apply {made.id}` carries the plan out later")
    return wanted


def _refused(excess: Excess) -> str:
    return f"it removes {shown(excess.pictures)}; {excess.remedy}"


def say_settled(settled: list[Outcome]) -> None:
    """What an earlier run was cut off at, and what became of it before anything new was done."""
    left = [outcome for outcome in settled if outcome.state is EntryState.INTENDED]
    if ended := len(settled) - len(left):
        say(f"an earlier run was cut off: {counted(ended, 'file')} settled (`dedupctl log` lists them)")
    for outcome in left[:SHOWN_SKIPPED]:
        say(f"not settled yet: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")
    if len(left) > SHOWN_SKIPPED:
        say(f"... and {len(left) - SHOWN_SKIPPED:,} more")


def print_outcomes(outcomes: list[Outcome]) -> None:
    """Every file that was left alone, with the reason, on stderr."""
    for outcome in outcomes:
        say(f"left alone: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")


def print_plan(made: Plan) -> None:
    """What would go, for which kept copy, by which rule; then what stays although it is a copy."""
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


def _print_applied(applied: Applied) -> None:
    print_outcomes([*applied.refused, *applied.not_purged])
    console().print(f"{counted(applied.removed, 'file')} removed ({size(applied.bytes_removed)})")
    if applied.purged:
        console().print(f"{counted(applied.purged, 'file')} purged")
    elif applied.removed:
        say(f"take it back with `dedupctl restore {applied.plan_id}`")


def _print_plans(workspace: Workspace, *, as_json: bool) -> None:
    with workspace.catalog.read() as tx:
        plans = tx.plans.all()
    if as_json:
        keys = ("id", "created_at", "policy", "removals", "done")
        print_json({"plans": [{key: getattr(one, key) for key in keys} for one in plans]})
        return
    table = Listing.of("plan", "made", "policy", "would remove", "removed")
    for one in plans:
        table.add(str(one.id), moment(one.created_at), one.policy, f"{one.removals:,}", f"{one.done:,}")
    console().print(table)


def _stored(workspace: Workspace, number: int) -> Plan:
    with workspace.catalog.read() as tx:
        found = tx.plans.get(number)
    if found is None:
        raise UsageError(f"there is no plan {number}; see `dedupctl plan --list`")
    return found


def _said_of(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
