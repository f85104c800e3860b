"""`clusters`: the duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import console
from dedupctl.commands.session import AsJson, KeepersOf, Session, existing_path, print_json
from dedupctl.domain import Cluster, PairKind
from dedupctl.matching.clusters import DUPLICATE_KINDS, Linkage
from dedupctl.report.documents import clusters_as_json
from dedupctl.report.tables import clusters_table

Kinds = Annotated[list[PairKind] | None, typer.Option("--kind", help="Only these kinds; may be given more than once.")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl clusters --kind exact --limit 10")(clusters)


def clusters(
    context: typer.Context,
    kind: Kinds = None,
    min_size: Annotated[int, typer.Option(help="Only clusters that free at least this many bytes.")] = 0,
    within: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only clusters whose files all lie in DIR.")
    ] = None,
    between: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only clusters with files both in DIR and outside it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Show at most this many clusters; 0 shows all.")] = None,
    linkage: Annotated[Linkage, typer.Option(help="How pairs join into clusters; star never chains.")] = Linkage.STAR,
    policy: KeepersOf = "tidy",
    as_json: AsJson = False,
) -> None:
    """List clusters of duplicates, largest saving first; the first file of each is the one to keep."""
    session: Session = context.obj
    with session.library() as library:
        found = library.clusters(
            kinds=kind or DUPLICATE_KINDS,
            linkage=linkage,
            within=None if within is None else existing_path(within),
            between=None if between is None else existing_path(between),
            min_size=min_size,
            policy=policy,
        )
    if as_json:
        print_json(clusters_as_json(found[:limit] if limit else found))
    else:
        _print(found, limit)


def _print(found: Sequence[Cluster], limit: int | None) -> None:
    shown = 50 if limit is None else limit or None
    console().print(clusters_table(found, shown))
