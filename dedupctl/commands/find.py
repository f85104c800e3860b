"""`find`: the library's copies of one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, KeepersOf, Session, existing_path, print_json
from dedupctl.domain import Cluster
from dedupctl.matching.keeper import reasons_in_words
from dedupctl.report.documents import matches_as_json
from dedupctl.report.listing import Heading, Listing
from dedupctl.report.wording import counted, shown

if TYPE_CHECKING:
    from dedupctl.matching.lookup import Match


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl find ~/Downloads/photo.jpg")(find)


def find(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="Any picture; it need not be in the library.")],
    policy: KeepersOf = "tidy",
    as_json: AsJson = False,
) -> None:
    """List the library's copies of a picture, and which of them is the one to keep."""
    session: Session = context.obj
    path = existing_path(image)
    with session.library() as library:
        library.policy(policy)  # an unknown one is said before a picture is decoded
        matches = library.find(path)
        clusters = library.clusters_of(matches, policy=policy)
        waiting = library.count_waiting()
    if waiting:
        say(f"{waiting:,} pictures wait for a vector of the new model (dedupctl scan): edited copies may be missed")
    if as_json:
        print_json(matches_as_json(matches, clusters))
    else:
        _print(matches, clusters)


def _print(matches: Sequence[Match], clusters: Mapping[int, Cluster]) -> None:
    if not matches:
        console().print("no copy of it is in the library")
        return
    table = Listing.of("kind", Heading("pixels", right=True), "file", "keep")
    for match in matches:
        facts, cluster = match.content.facts, clusters.get(match.file.file.id)
        is_kept = cluster is not None and cluster.keeper.file_id == match.file.file.id
        because = f"keep: {reasons_in_words(cluster.rules)}" if cluster is not None and is_kept else ""
        table.add(match.kind.value, f"{facts.width}×{facts.height}", shown(match.file.path), because)
    console().print(table)
    console().print(counted(len(matches), "file"))
