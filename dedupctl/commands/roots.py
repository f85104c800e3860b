"""`roots`: which folders are watched."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from dedupctl.commands.messages import console, say
from dedupctl.commands.session import AsJson, Session, as_written, print_json
from dedupctl.daemon.mounts import MOUNT_TABLE, mount_points
from dedupctl.library.state import RootState
from dedupctl.paths import join, lies_in
from dedupctl.report.tables import roots_table
from dedupctl.report.wording import shown

roots_app = typer.Typer(no_args_is_help=True, help="List, add, remove and move watched folders.")


def register(app: typer.Typer) -> None:
    roots_app.command("list", epilog="Example:  dedupctl roots list --json")(list_roots)
    roots_app.command("add", epilog="Example:  dedupctl roots add /mnt/archive --reference")(add)
    roots_app.command("remove", epilog="Example:  dedupctl roots remove /mnt/archive")(remove)
    roots_app.command("move", epilog="Example:  dedupctl roots move /mnt/old/photos /mnt/new/photos")(move)
    app.add_typer(roots_app, name="roots")


def list_roots(context: typer.Context, as_json: AsJson = False) -> None:
    """List the watched folders, what they hold, and whether they are online."""
    session: Session = context.obj
    with session.library() as library:
        states = library.root_states()
        if as_json:
            print_json({"roots": roots_as_json(states)})
            return
        offline = {state.root.id: state.offline for state in states if state.offline is not None}
        console().print(roots_table(library.totals().roots, offline))


def add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to watch.")],
    reference: Annotated[bool, typer.Option("--reference", help="Prefer its files as keepers.")] = False,
) -> None:
    """Watch a folder; a running daemon picks it up, otherwise the next scan does."""
    session: Session = context.obj
    with session.library(create=True) as library:
        root = library.add_root(as_written(path), reference=reference)
    say(f"watching {shown(root.path)}")


def remove(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to stop watching.")],
) -> None:
    """Stop watching a folder. Its files are not touched; verdicts and fingerprints are kept."""
    session: Session = context.obj
    with session.library() as library:
        root = library.remove_root(as_written(path))
    say(f"no longer watching {shown(root.path)}; its files were not touched")


def move(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The watched folder, as `roots list` names it.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Where its files are now.")],
) -> None:
    """Say that a watched folder is elsewhere now (copied to another disk, mounted elsewhere). Everything known, done
    and protected is kept, and only a sample of the files is read."""
    session: Session = context.obj
    with session.library() as library:
        moved = library.move_root(as_written(old), as_written(new))
    others = f"; {moved.others:,} were not met as they were, the next scan looks for them" if moved.others else ""
    say(f"{shown(moved.path)} is the root now, with {moved.met:,} known files{others}")


def roots_as_json(states: Iterable[RootState]) -> list[dict[str, Any]]:
    """The roots as `roots list --json` and `status --json` name them."""
    return [
        {
            "path": os.fsdecode(state.root.path),
            "reference": state.root.reference,
            "online": state.offline is None,
            "reason": state.offline,
            "files": state.files,
            "errors": state.errors,
            "bytes": state.total_bytes,
            "last_scan": state.last_visit,
            "disks": _disks_below(state),
        }
        for state in states
    ]


def _disks_below(state: RootState) -> list[dict[str, Any]]:
    """Other filesystems that are or were mounted below a root; files on one that is away are offline, not missing."""
    mounted = {}
    if MOUNT_TABLE.exists():
        for point, _ in mount_points(MOUNT_TABLE.read_bytes()):
            if lies_in(point, state.root.path):
                mounted[_device(point)] = point
    found = []
    for device, (count, folder) in sorted(state.devices.items()):
        if device != state.root.device:
            path = mounted.get(device) or join(state.root.path, folder)
            found.append({"path": os.fsdecode(path), "files": count, "mounted": device in mounted})
    return found


def _device(path: bytes) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None
