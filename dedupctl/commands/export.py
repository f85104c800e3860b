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

from dedupctl.commands.clusters import Kinds
from dedupctl.commands.messages import Lines, answer, output_stream, say
from dedupctl.commands.output_files import written_file
from dedupctl.commands.session import AsJson, KeepersOf, Session, as_written, print_json, warn_of_network
from dedupctl.errors import UsageError
from dedupctl.library import Library
from dedupctl.matching.clusters import DUPLICATE_KINDS

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write; stdout by default.")
]

export_app = typer.Typer(no_args_is_help=True, help="Export pairs and clusters as CSV, encodings as JSON Lines.")
import_app = typer.Typer(no_args_is_help=True, help="Import what another catalog knows.")


def register(app: typer.Typer) -> None:
    export_app.command("pairs", epilog="Example:  dedupctl export pairs -o pairs.csv")(pairs)
    export_app.command("clusters", epilog="Example:  dedupctl export clusters -o clusters.csv")(clusters)
    export_app.command("encodings", epilog="Example:  dedupctl export encodings -o library.jsonl")(export_encodings)
    import_app.command("encodings", epilog="Example:  dedupctl import encodings library.jsonl")(import_encodings)
    app.add_typer(export_app, name="export")
    app.add_typer(import_app, name="import")


def pairs(context: typer.Context, output: Output = None, kind: Kinds = None) -> None:
    """Every two files that are copies of each other: `a,b,kind,score`, absolute paths."""
    session: Session = context.obj
    with session.library() as library, _opened(library, output) as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "kind", "score"])
        for pair in library.pairs(kind or DUPLICATE_KINDS):
            writer.writerow([os.fsdecode(pair.a.path), os.fsdecode(pair.b.path), pair.kind.value, f"{pair.score:.4f}"])


def clusters(context: typer.Context, output: Output = None, kind: Kinds = None, policy: KeepersOf = "tidy") -> None:
    """Every file of every cluster: `cluster,path,role,kind,score,size`."""
    session: Session = context.obj
    with session.library() as library:
        found = library.clusters(kinds=kind or DUPLICATE_KINDS, policy=policy)
        with _opened(library, output) as stream:
            writer = csv.writer(stream)
            writer.writerow(["cluster", "path", "role", "kind", "score", "size"])
            for cluster in found:
                for member in cluster.members:
                    role = "keeper" if member is cluster.keeper else "copy"
                    path = os.fsdecode(member.path)
                    writer.writerow(
                        [cluster.id, path, role, member.kind.value, f"{member.score:.4f}", member.identity.size]
                    )


def export_encodings(context: typer.Context, output: Output = None) -> None:
    """What was read of every picture (digest, facts, hashes, vectors, thumbnail), one JSON document a line."""
    session: Session = context.obj
    with session.library() as library, _opened(library, output) as stream:
        for line in library.export_encodings():
            stream.write(line + "\n")


def import_encodings(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `export encodings` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Import encodings: a picture that they describe is recognised by its digest and need not be decoded.

    They are taken as a claim: a picture is read all the same before a copy of it is removed. Lines that are not
    encodings are named and left out; the exit code is then 1.
    """
    session: Session = context.obj
    try:
        source.open("rb").close()  # a wrong name must not leave an empty home behind
        with session.library(create=True) as library:
            warn_of_network(session.home)
            taken = library.import_encodings(as_written(source))
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
def _opened(library: Library, output: Path | None) -> Iterator[Lines]:
    if output is None:
        yield output_stream()
        return
    with written_file(library, output, "w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        yield stream
