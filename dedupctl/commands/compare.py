"""`compare`: which pictures two folders share, and how to remove them from one of the two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.apply import carry_out
from dedupctl.commands.clusters import Kinds
from dedupctl.commands.messages import console, say
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
from dedupctl.commands.session import AsJson, Session, existing_path, print_json
from dedupctl.errors import UsageError
from dedupctl.library import Library
from dedupctl.matching.clusters import DUPLICATE_KINDS
from dedupctl.matching.file_pairs import FilePair
from dedupctl.paths import is_or_lies_in
from dedupctl.report.documents import pairs_as_json
from dedupctl.report.listing import Listing
from dedupctl.report.wording import counted, shown


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
    """Compare two folders: which pictures of B does A hold already?"""
    session: Session = context.obj
    a, b = existing_path(folder_a), existing_path(folder_b)
    if apply:
        name = policy or "safe"
        with session.library() as library:
            share = library.share_allowed(name, max_remove_share)
            _say_what_is_unknown(library, a, b)
            made = library.plan(
                name,
                kinds=kind,
                action=action,
                across=(a, b),
                quarantine=not no_quarantine,
                changes=policy_changes(with_annotations=with_annotations, merge_sidecars=merge_sidecars),
                dry_run=dry_run,
            )
            carry_out(library, made, share=share, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    for_apply = (policy, action, no_quarantine, with_annotations, merge_sidecars, max_remove_share, yes, dry_run)
    if any(option not in (None, False) for option in for_apply):
        raise UsageError("these options belong to --apply")
    with session.library() as library:
        _say_what_is_unknown(library, a, b)
        pairs = library.compare(a, b, kind or DUPLICATE_KINDS)
    if as_json:
        print_json(pairs_as_json(pairs))
    else:
        _print(pairs)


def _say_what_is_unknown(library: Library, *folders: bytes) -> None:
    """Say which folder was never scanned: finding nothing in it must not be taken for an answer."""
    roots = [root.path for root in library.roots()]
    for folder in folders:
        if not any(is_or_lies_in(folder, root) or is_or_lies_in(root, folder) for root in roots):
            say(f"nothing is known of {shown(folder)}: `dedupctl scan` it first")


def _print(pairs: list[FilePair]) -> None:
    table = Listing.of("kind", "in A", "in B")
    for pair in pairs:
        table.add(pair.kind.value, shown(pair.a.path), shown(pair.b.path))
    console().print(table)
    copies = {pair.b.path for pair in pairs}
    console().print(f"{counted(len(copies), 'picture')} of B found in A")
