"""`backup` and `restore-catalog`: copy the catalog, and put a copy back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import say
from dedupctl.commands.session import Session, as_written
from dedupctl.library import Library
from dedupctl.report.wording import size


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl backup /mnt/backup/catalog-2026-01-31.db")(backup)
    app.command("restore-catalog", epilog="Example:  dedupctl restore-catalog /mnt/backup/catalog.db")(restore_catalog)


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; the file must not exist.")],
) -> None:
    """Copy the catalog to FILE and check the copy, even while the daemon runs. It contains verdicts, protections and
    the journal; index and thumbnails are made again by themselves."""
    session: Session = context.obj
    with session.library() as library:
        library.back_up(as_written(target))
    say(f"{target}: {size(target.stat().st_size)}, checked")


def restore_catalog(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
) -> None:
    """Check a backup and put it in the place of the catalog, which is kept beside it. The next scan finds what has
    changed since."""
    session: Session = context.obj
    kept = Library.restore_catalog(as_written(source), session.home)
    say(f"the catalog is that of {source} now" + (f"; the one before is {kept}" if kept else ""))
    say("run `dedupctl scan` (or start the daemon): it finds what has changed since")
