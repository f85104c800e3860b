"""`explain`, `verdict` and `find`: the evidence of one pair, what a person says of it, the copies of one picture."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.catalog.pairs import evidence_as_dict
from dedupctl.commands.messages import answer, console, say
from dedupctl.commands.session import AsJson, KeepersOf, Session, existing_path, policy_of, print_json
from dedupctl.domain import Cluster, Pair, PairKind, Unreadable, Verdict
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.indexing.workers import Workers
from dedupctl.matching.keeper import reasons_in_words
from dedupctl.matching.lookup import Match, clusters_of, compare_two, content_at, file_at, find_copies
from dedupctl.matching.proof.drawing import side_by_side
from dedupctl.matching.sentence import sentence
from dedupctl.modes import file_mode, opener
from dedupctl.policy.rules import keeper_order
from dedupctl.report.listing import Heading, Listing
from dedupctl.report.wording import counted, shown
from dedupctl.workspace import Workspace


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl explain a.jpg b.jpg --image proof.png")(explain)
    app.command(epilog="Example:  dedupctl find ~/Downloads/photo.jpg")(find)
    app.command(epilog="Example:  dedupctl verdict a.jpg b.jpg different")(verdict)


def explain(
    context: typer.Context,
    path_a: Annotated[Path, typer.Argument(metavar="A", help="A picture of the library.")],
    path_b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    image: Annotated[
        Path | None, typer.Option("--image", metavar="PNG", help="Draw the two side by side with the matched outline.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The evidence on two pictures, in words: what B is to A, and how that is known."""
    session: Session = context.obj
    a, b = existing_path(path_a), existing_path(path_b)
    with session.workspace() as workspace:
        with workspace.catalog.read() as tx:
            one, other = file_at(tx, a), file_at(tx, b)
        with closing(Workers(workspace.config, workspace.catalog.path, count=1)) as workers:
            pair = compare_two(workspace, one, other, workers.evidence)
        names = ("B", "A") if pair is not None and pair.b == one.file.content_id else ("A", "B")
        kind, words = _told(workspace, pair, names)
        if image is not None:
            if pair is None:
                raise UsageError("both files hold the same bytes; there is nothing to draw")
            _draw(workspace, pair, names, image)
    if as_json:
        evidence = {} if pair is None else evidence_as_dict(pair.evidence)
        score = 1.0 if pair is None else pair.score
        print_json(
            {
                "a": os.fsdecode(a),
                "b": os.fsdecode(b),
                "kind": kind and kind.value,
                "score": score,
                "words": words,
                "evidence": evidence,
            }
        )
    else:
        answer(f"{kind or 'no pair'}: {words}")


def verdict(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(help="A picture of the library.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    said: Annotated[Verdict, typer.Argument(metavar="same|different", help="What you see.")],
) -> None:
    """Say that two pictures are the same or different. It is kept by content, and no proof overrules it."""
    session: Session = context.obj
    with session.workspace() as workspace, workspace.catalog.write(durable=True) as tx:
        first, second = (content_at(tx, existing_path(path)) for path in (a, b))
        if first.id == second.id:
            raise UsageError("these two files hold the same bytes; there is nothing to decide")
        tx.verdicts.put(first.digest, second.digest, said, int(time.time()))
    say(f"remembered: {said.value}")


def find(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="Any picture; it need not be in the library.")],
    policy: KeepersOf = "tidy",
    as_json: AsJson = False,
) -> None:
    """Which library pictures is this one a copy of, and which of them is the one to keep?"""
    session: Session = context.obj
    path = existing_path(image)
    with session.workspace() as workspace:
        with closing(Workers(workspace.config, workspace.catalog.path, count=1)) as workers:
            read = workers.fingerprint(path)
            if isinstance(read, Unreadable) or read.fingerprint is None:
                raise DedupctlError(f"cannot read {image} as a picture: {read}")
            index = workspace.open_index().index
            matches = find_copies(workspace, index, read.fingerprint, path, workers.evidence)
        with workspace.catalog.read() as tx:
            waiting = tx.embeddings.count_missing(workspace.model_id)
            clusters = clusters_of(tx, matches, keeper_order(tx, policy_of(workspace, policy)))
    if waiting:
        say(f"{waiting:,} pictures wait for a vector of the new model (dedupctl scan): edited copies may be missed")
    if as_json:
        print_json({"matches": [_as_json(match, clusters.get(match.file.file.id)) for match in matches]})
    else:
        _print(matches, clusters)


def _told(workspace: Workspace, pair: Pair | None, names: tuple[str, str]) -> tuple[PairKind | None, str]:
    """The kind that counts, after what a person said, and what was measured in words."""
    if pair is None:
        return PairKind.EXACT, "A and B hold the same bytes"
    with workspace.catalog.read() as tx:
        contents = tx.contents.get([pair.a, pair.b])
        said = tx.verdicts.between(contents[pair.a].digest, contents[pair.b].digest)
    words = sentence(pair, contents[pair.a], contents[pair.b], names)
    if said is None:
        return pair.kind, words
    same = PairKind.PIXEL if pair.kind is PairKind.PIXEL else PairKind.NEAR
    return same if said is Verdict.SAME else None, f"{words} (you said: {said.value})"


def _draw(workspace: Workspace, pair: Pair, names: tuple[str, str], target: Path) -> None:
    with workspace.catalog.read() as tx:
        contents = tx.contents.get([pair.a, pair.b])
    thumbnails = workspace.thumbs.get([content.digest for content in contents.values()])
    a, b = contents[pair.a], contents[pair.b]
    if a.digest not in thumbnails or b.digest not in thumbnails:
        raise DedupctlError("a thumbnail is missing; run `dedupctl check --repair`")
    drawing = side_by_side(thumbnails[a.digest], thumbnails[b.digest], a, b, pair.evidence, names=names)
    try:
        opening = opener(file_mode(group_readable=workspace.config.home.group_readable))
        with open(target, "wb", opener=opening) as file:
            file.write(drawing)
    except OSError as error:
        raise DedupctlError(f"cannot write {target}: {error.strerror}") from error
    say(f"drawn: {target}")


def _as_json(match: Match, cluster: Cluster | None) -> dict[str, object]:
    facts = match.content.facts
    return {
        "path": os.fsdecode(match.file.path),
        "kind": match.kind.value,
        "score": match.score,
        "size": match.content.size,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "evidence": evidence_as_dict(match.evidence),
        "keeper": None if cluster is None else os.fsdecode(cluster.keeper.path),
        "keeper_rules": [] if cluster is None else list(cluster.rules),
    }


def _print(matches: list[Match], clusters: Mapping[int, Cluster]) -> None:
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
