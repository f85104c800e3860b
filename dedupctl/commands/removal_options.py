"""The options shared by the commands that remove files: `plan`, `apply` and `compare --apply`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

PolicyName = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help="A policy of config.toml, or the ready-made safe or tidy."),
]
Action = Annotated[
    str | None,
    typer.Option(
        "--action",
        metavar="ACTION",
        help="quarantine, trash, delete, hardlink, reflink or symlink, instead of the policy's action.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NoQuarantine = Annotated[bool, typer.Option("--no-quarantine", help="With the action delete: purge in the same run.")]
WithAnnotations = Annotated[
    bool, typer.Option("--with-annotations", help="Remove annotation files together with their picture.")
]
MergeSidecars = Annotated[
    bool, typer.Option("--merge-sidecars", help="Carry over what only a removed copy or its sidecars say.")
]
Share = Annotated[
    float | None,
    typer.Option(
        "--max-remove-share",
        metavar="PERCENT",
        help="Do nothing if a root would lose a larger share of its pictures.",
    ),
]


def policy_changes(*, with_annotations: bool, merge_sidecars: bool) -> dict[str, Any]:
    """The fields of a policy that these options switch on; a policy that has them on keeps them."""
    asked = {"with_annotations": with_annotations, "merge_sidecars": merge_sidecars}
    return {field: True for field, is_asked in asked.items() if is_asked}
