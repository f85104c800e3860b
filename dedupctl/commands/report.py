"""`report`: everything there is to see, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import hand_over, say
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.session import KeepersOf, Session, as_written
from dedupctl.report.options import ReportFormat


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl report -o duplicates.html")(report)


def report(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="A page for people, or data.")] = ReportFormat.HTML,
    limit: Annotated[int | None, typer.Option(min=0, help="Show at most this many clusters; 0 shows all.")] = None,
    map_picture: Annotated[
        Path | None, typer.Option("--map", metavar="PNG", help="Also draw the map as one large picture.")
    ] = None,
    map_table: Annotated[
        Path | None, typer.Option("--map-csv", metavar="CSV", help="Also write where each picture lies on the map.")
    ] = None,
    policy: KeepersOf = "tidy",
    no_map: Annotated[bool, typer.Option("--no-map", help="Leave the map out of the page.")] = False,
) -> None:
    """Write one self-contained file: totals, clusters with thumbnails and evidence, the map, errors."""
    session: Session = context.obj
    target = output or Path(f"dedupctl-report.{form.value}")
    with session.library() as library, shown_stages() as progress:
        summary = library.report(
            as_written(target), form=form, limit=limit, with_map=not no_map, policy=policy, progress=progress
        )
        if map_picture is not None:
            library.map_picture(as_written(map_picture), progress=progress)
        if map_table is not None:
            library.map_table(as_written(map_table), progress=progress)
    left_out = f", {summary.clusters_left_out:,} more left out (--limit)" if summary.clusters_left_out else ""
    say(f"{summary.clusters_shown:,} clusters{left_out}")
    for written in (target, map_picture, map_table):
        if written is not None:
            hand_over(str(written.absolute()))
