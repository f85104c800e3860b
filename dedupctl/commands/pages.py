"""`report`: everything there is to see, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.progress import shown_stages
from dedupctl.commands.session import Session, say
from dedupctl.matching.sentence import in_words
from dedupctl.report.writing import ReportFormat, ReportOptions, write_report


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl report -o duplicates.html")(report)


def report(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="Page for people, or data.")] = ReportFormat.HTML,
    limit: Annotated[int | None, typer.Option(min=0, help="Show so many clusters; 0 shows all.")] = None,
) -> None:
    """Write one self-contained file: totals, clusters with thumbnails and evidence, the map, errors."""
    session: Session = context.obj
    target = output or Path(f"dedupctl-report.{form.value}")
    with session.workspace() as workspace:
        options = ReportOptions(format=form, limit=limit)
        with shown_stages() as progress:
            summary = write_report(
                workspace.catalog, workspace.thumbs, workspace.model_id, target, options, progress, in_words
            )
    left_out = f", {summary.clusters_left_out:,} more left out (--limit)" if summary.clusters_left_out else ""
    say(f"{summary.clusters_shown:,} clusters{left_out}")
    typer.echo(str(target.absolute()))
