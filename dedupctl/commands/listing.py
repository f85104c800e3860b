"""`clusters`: the duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import console
from dedupctl.commands.session import AsJson, KeepersOf, Session, existing_path, policy_of, print_json
from dedupctl.domain import Cluster, PairKind
from dedupctl.matching.clusters import DUPLICATE_KINDS, Linkage, find_clusters
from dedupctl.paths import lies_in
from dedupctl.policy.rules import keeper_order
from dedupctl.report.tables import clusters_as_json, clusters_table

Kinds = Annotated[list[PairKind] | None, typer.Option("--kind", help="Only these kinds; may be given more than once.")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl clusters --kind exact --limit 10")(clusters)


def clusters(
    context: typer.Context,
    kind: Kinds = None,
    min_size: Annotated[int, typer.Option(help="Only clusters that free at least so many bytes.")] = 0,
    within: Annotated[Path | None, typer.Option(metavar="DIR", help="Only copies that both lie in DIR.")] = None,
    between: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only clusters that tie DIR with something outside it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Show so many clusters; 0 shows all.")] = None,
    linkage: Annotated[Linkage, typer.Option(help="How pairs join into clusters; star never chains.")] = Linkage.STAR,
    policy: KeepersOf = "tidy",
    as_json: AsJson = False,
) -> None:
    """Duplicate clusters, biggest saving first; the first file of each is the one to keep."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.read() as tx:
        order = keeper_order(tx, policy_of(workspace, policy))
        found = find_clusters(tx, kinds=kind or DUPLICATE_KINDS, linkage=linkage, order=order)
    if within is not None:
        folder = existing_path(within)
        found = [cluster for cluster in found if all(lies_in(member.path, folder) for member in cluster.members)]
    if between is not None:
        folder = existing_path(between)
        found = [cluster for cluster in found if len({lies_in(member.path, folder) for member in cluster.members}) == 2]
    found = [cluster for cluster in found if cluster.reclaimable_bytes >= min_size]
    if as_json:
        print_json(clusters_as_json(found[:limit] if limit else found))
    else:
        _print_clusters(found, limit)


def _print_clusters(found: Sequence[Cluster], limit: int | None) -> None:
    shown = 50 if limit is None else limit or None
    console().print(clusters_table(found, shown))
