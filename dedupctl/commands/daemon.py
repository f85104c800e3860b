"""`pause` and `resume`, what a running daemon is told through the catalog; `backup` and `restore-catalog`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.catalog.backups import back_up, put_back
from dedupctl.catalog.catalog import CATALOG_NAME, DAEMON_PAUSED
from dedupctl.commands.messages import say
from dedupctl.commands.session import Session
from dedupctl.report.wording import size


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl pause   (before a video conference)")(pause)
    app.command(epilog="Example:  dedupctl resume")(resume)
    app.command(epilog="Example:  dedupctl backup /mnt/backup/catalog-2026-01-31.db")(backup)
    app.command("restore-catalog", epilog="Example:  dedupctl restore-catalog /mnt/backup/catalog.db")(restore_catalog)


def pause(context: typer.Context) -> None:
    """Have the daemon rest until `resume`, also over a restart. What happens meanwhile is heard and read afterwards."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write() as tx:
        tx.meta.put(DAEMON_PAUSED, str(int(time.time())))
    say("the daemon rests until `dedupctl resume`")


def resume(context: typer.Context) -> None:
    """Have the daemon go on after `pause`."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write() as tx:
        tx.meta.put(DAEMON_PAUSED, "null")
    say("the daemon goes on")


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; nothing may stand there.")],
) -> None:
    """Copy the catalog to FILE, whole and checked, also while the daemon runs. Verdicts, protections and journal are
    in it; index and thumbnails come back by themselves."""
    session: Session = context.obj
    with session.workspace() as workspace:
        back_up(workspace.catalog, target)
    say(f"{target}: {size(target.stat().st_size)}, checked")


def restore_catalog(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
) -> None:
    """Put a backup in the place of the catalog, checked before. The one that was there is kept beside it. The next scan
    finds what has changed since."""
    session: Session = context.obj
    with session.locked():
        kept = put_back(source, session.home / CATALOG_NAME)
    say(f"the catalog is that of {source} now" + (f"; the one before is {kept}" if kept else ""))
    say("run `dedupctl scan` (or start the daemon): it finds what has changed since")
