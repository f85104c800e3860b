"""`export` and `import`: pairs and clusters for other programs, encodings for other catalogs."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.listing import Kinds
from dedupctl.commands.messages import Lines, answer, output_stream, say
from dedupctl.commands.session import AsJson, KeepersOf, Session, policy_of, print_json
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.indexing.encodings import export_encodings, import_encodings, lines_of
from dedupctl.matching.clusters import DUPLICATE_KINDS, find_clusters
from dedupctl.matching.file_pairs import file_pairs
from dedupctl.modes import file_mode, opener
from dedupctl.policy.rules import keeper_order
from dedupctl.workspace import Workspace

Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write; else stdout.")]

export_app = typer.Typer(no_args_is_help=True, help="Pairs and clusters as CSV; encodings as JSON Lines.")
import_app = typer.Typer(no_args_is_help=True, help="Take in what another catalog knows.")


def register(app: typer.Typer) -> None:
    export_app.command("pairs", epilog="Example:  dedupctl export pairs -o pairs.csv")(pairs)
    export_app.command("clusters", epilog="Example:  dedupctl export clusters -o clusters.csv")(clusters)
    export_app.command("encodings", epilog="Example:  dedupctl export encodings -o library.jsonl")(export_all)
    import_app.command("encodings", epilog="Example:  dedupctl import encodings library.jsonl")(import_all)
    app.add_typer(export_app, name="export")
    app.add_typer(import_app, name="import")


def pairs(context: typer.Context, output: Output = None, kind: Kinds = None) -> None:
    """Every two files that are copies of each other: `a,b,kind,score`, absolute paths."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.read() as tx, _opened(workspace, output) as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "kind", "score"])
        for pair in file_pairs(tx, kind or DUPLICATE_KINDS):
            writer.writerow([os.fsdecode(pair.a.path), os.fsdecode(pair.b.path), pair.kind.value, f"{pair.score:.4f}"])


def clusters(context: typer.Context, output: Output = None, kind: Kinds = None, policy: KeepersOf = "tidy") -> None:
    """Every file of every cluster: `cluster,path,role,kind,score,size`."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.read() as tx:
        order = keeper_order(tx, policy_of(workspace, policy))
        found = find_clusters(tx, kinds=kind or DUPLICATE_KINDS, order=order)
    with _opened(workspace, output) as stream:
        writer = csv.writer(stream)
        writer.writerow(["cluster", "path", "role", "kind", "score", "size"])
        for cluster in found:
            for member in cluster.members:
                role = "keeper" if member is cluster.keeper else "copy"
                path = os.fsdecode(member.path)
                writer.writerow(
                    [cluster.id, path, role, member.kind.value, f"{member.score:.4f}", member.identity.size]
                )


def export_all(context: typer.Context, output: Output = None) -> None:
    """What was read of every picture (digest, facts, hashes, vectors, thumbnail), one JSON document a line."""
    session: Session = context.obj
    with session.workspace() as workspace, _opened(workspace, output) as stream:
        for line in export_encodings(workspace):
            stream.write(line + "\n")


def import_all(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `export encodings` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Take in encodings: a file of a picture known by them is found by its digest and not decoded.

    They are taken for what somebody says: a picture is read all the same before a copy of it is removed. Lines that are
    no encodings are named and left out; the exit code is then 1.
    """
    session: Session = context.obj
    try:
        with source.open("rb") as file, session.indexing() as workspace:
            taken = import_encodings(workspace, lines_of(file))
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror or error}") from error
    for lines in taken.refused:
        span = f"line {lines.first}" if lines.first == lines.last else f"lines {lines.first} to {lines.last}"
        say(f"{span}: {lines.reason}")
    if as_json:
        print_json(dataclasses.asdict(taken))
    else:
        answer(f"{taken.new:,} pictures taken in, {taken.known:,} were known")
    if taken.refused:
        raise typer.Exit(1)


@contextmanager
def _opened(workspace: Workspace, output: Path | None) -> Iterator[Lines]:
    if output is None:
        yield output_stream()
        return
    try:
        opening = opener(file_mode(group_readable=workspace.config.home.group_readable))
        with open(output, "w", newline="", encoding="utf-8", errors="surrogateescape", opener=opening) as stream:
            yield stream
    except OSError as error:
        raise DedupctlError(f"cannot write {output}: {error.strerror}") from error
