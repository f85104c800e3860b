"""`compare`: what two folders share, and how to be rid of it in one of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.catalog.pairs import evidence_as_dict
from dedupctl.commands.act import (
    Action,
    DryRun,
    MergeSidecars,
    NoQuarantine,
    PolicyName,
    Share,
    WithAnnotations,
    Yes,
    asked_of,
    freeze,
    policy_named,
    run,
    share_allowed,
)
from dedupctl.commands.listing import Kinds
from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, existing_path, print_json
from dedupctl.errors import UsageError
from dedupctl.matching.clusters import DUPLICATE_KINDS
from dedupctl.matching.file_pairs import FilePair, pairs_across
from dedupctl.paths import is_or_lies_in
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, shown
from dedupctl.workspace import Workspace


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl compare ~/Pictures /mnt/card --apply --dry-run")(compare)


def compare(
    context: typer.Context,
    folder_a: Annotated[Path, typer.Argument(metavar="DIR_A", help="The reference.")],
    folder_b: Annotated[Path, typer.Argument(metavar="DIR_B", help="What is compared with it.")],
    kind: Kinds = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove from DIR_B what DIR_A holds already.")] = False,
    policy: PolicyName = None,
    action: Action = None,
    no_quarantine: NoQuarantine = False,
    with_annotations: WithAnnotations = False,
    merge_sidecars: MergeSidecars = False,
    max_remove_share: Share = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Only pairs across the two folders: which pictures of B does A hold already?"""
    session: Session = context.obj
    a, b = existing_path(folder_a), existing_path(folder_b)
    if apply:
        with session.workspace() as workspace:
            name = policy or "safe"
            chosen = policy_named(
                workspace, name, action, kinds=kind, with_annotations=with_annotations, merge_sidecars=merge_sidecars
            )
            share = share_allowed(chosen, max_remove_share)
            request = asked_of(chosen, no_quarantine=no_quarantine, across=(a, b))
            _say_what_is_unknown(workspace, a, b)
            made = freeze(workspace, name, chosen, request, store=not dry_run)
            run(workspace, made, share=share, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    for_apply = (policy, action, no_quarantine, with_annotations, merge_sidecars, max_remove_share, yes, dry_run)
    if any(option not in (None, False) for option in for_apply):
        raise UsageError("these options belong to --apply")
    with session.workspace() as workspace:
        _say_what_is_unknown(workspace, a, b)
        with workspace.catalog.read() as tx:
            pairs = list(pairs_across(tx, a, b, kind or DUPLICATE_KINDS))
    if as_json:
        print_json({"pairs": [_as_json(pair) for pair in pairs]})
    else:
        _print(pairs)


def _say_what_is_unknown(workspace: Workspace, *folders: bytes) -> None:
    """That nothing was found must not be taken for an answer where nobody has looked."""
    with workspace.catalog.read() as tx:
        roots = [root.path for root in tx.roots.all()]
    for folder in folders:
        if not any(is_or_lies_in(folder, root) or is_or_lies_in(root, folder) for root in roots):
            say(f"nothing is known of {shown(folder)}: `dedupctl scan` it first")


def _as_json(pair: FilePair) -> dict[str, object]:
    return {
        "a": os.fsdecode(pair.a.path),
        "b": os.fsdecode(pair.b.path),
        "kind": pair.kind.value,
        "score": pair.score,
        "evidence": evidence_as_dict(pair.evidence),
    }


def _print(pairs: list[FilePair]) -> None:
    table = Listing.of("kind", "in A", "in B")
    for pair in pairs:
        table.add(pair.kind.value, shown(pair.a.path), shown(pair.b.path))
    console().print(table)
    copies = {pair.b.path for pair in pairs}
    console().print(f"{counted(len(copies), 'picture')} of B found in A")
