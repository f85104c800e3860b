"""`report`: everything there is to see, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import hand_over, say
from dedupctl.commands.progress import shown_stages
from dedupctl.commands.session import KeepersOf, Session, policy_of
from dedupctl.report.writing import (
    ReportFormat,
    ReportOptions,
    write_map_csv,
    write_map_picture,
    write_report,
)


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl report -o duplicates.html")(report)


def report(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="Page for people, or data.")] = ReportFormat.HTML,
    limit: Annotated[int | None, typer.Option(min=0, help="Show so many clusters; 0 shows all.")] = None,
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
    with session.workspace() as workspace:
        model_id, group_readable = workspace.model_in_use(), workspace.config.home.group_readable
        options = ReportOptions(format=form, limit=limit, with_map=not no_map)
        with shown_stages() as progress:
            summary = write_report(
                workspace.catalog,
                workspace.thumbs,
                target,
                model_id=model_id,
                options=options,
                progress=progress,
                group_readable=group_readable,
                policy=policy_of(workspace, policy),
            )
            if map_picture is not None:
                write_map_picture(
                    workspace.catalog,
                    workspace.thumbs,
                    map_picture,
                    model_id=model_id,
                    progress=progress,
                    group_readable=group_readable,
                )
            if map_table is not None:
                write_map_csv(
                    workspace.catalog, map_table, model_id=model_id, progress=progress, group_readable=group_readable
                )
    left_out = f", {summary.clusters_left_out:,} more left out (--limit)" if summary.clusters_left_out else ""
    say(f"{summary.clusters_shown:,} clusters{left_out}")
    for written in (target, map_picture, map_table):
        if written is not None:
            hand_over(str(written.absolute()))
