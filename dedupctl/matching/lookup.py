"""Questions about single pictures: what is at this path, how are these two related, where are its copies?"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Cluster, Content, Evidence, FileState, Fingerprint, Pair, PairKind
from dedupctl.errors import UsageError
from dedupctl.matching.candidates import ASKED, CandidateFinder, candidate_between
from dedupctl.matching.clusters import find_clusters
from dedupctl.matching.comparison import Case, Side, gather_sides
from dedupctl.matching.keeper import KeeperOrder
from dedupctl.matching.score import judge, thresholds_of
from dedupctl.paths import lies_in, relative_to
from dedupctl.vectors.vector_index import VectorIndex
from dedupctl.workspace import Workspace

Measure: TypeAlias = Callable[[Sequence[Case]], Sequence[Evidence | None]]
"""Returns the evidence on each case, None if a picture cannot be read. A worker runs it, because it decodes files."""


@dataclass(frozen=True, slots=True)
class Match:
    """One library file and what it is to the picture asked about."""

    file: LocatedFile
    content: Content
    kind: PairKind
    score: float
    evidence: Evidence


def file_at(tx: Transaction, path: bytes) -> LocatedFile:
    """The file at this absolute path as the catalog knows it.

    Raises:
        UsageError: it lies in no root, has not been scanned yet, or no picture could be read from it.
    """
    shown = os.fsdecode(path)
    for root in tx.roots.all():
        if lies_in(path, root.path):
            file = tx.files.at(root.id, relative_to(path, root.path))
            if file is None or file.state is FileState.GONE:
                raise UsageError(f"{shown} is not in the catalog yet; run `dedupctl scan`")
            if file.content_id is None:
                raise UsageError(f"no picture could be read from {shown}: {file.error}")
            return LocatedFile(file, path)
    raise UsageError(f"{shown} lies in no watched folder; see `dedupctl roots list`, or ask `dedupctl find` for copies")


def content_at(tx: Transaction, path: bytes) -> Content:
    """The content of the file at this absolute path. Raises UsageError as `file_at`."""
    content_id = file_at(tx, path).file.content_id
    assert content_id is not None
    return tx.contents.get([content_id])[content_id]


def compare_two(workspace: Workspace, one: LocatedFile, other: LocatedFile, measure: Measure) -> Pair | None:
    """The pair of two files' contents: the stored one, or one measured now if they were never compared.

    None if both have the same content. Only `measure` decodes files.

    Raises:
        UsageError: a picture can no longer be read.
    """
    a, b = sorted(located.file.content_id or 0 for located in (one, other))
    if a == b:
        return None
    with workspace.catalog.read() as tx:
        stored = tx.pairs.between(a, b)
        if stored is not None:
            return stored
        candidate = candidate_between(tx, tx.embeddings.fullest_model(workspace.model_id), a, b)
        sides = gather_sides(tx, workspace.thumbs, [a, b])
    (evidence,) = measure([Case(candidate, sides[a], sides[b])])
    if evidence is None:
        raise UsageError("one of the two pictures can no longer be read")
    kind, score = judge(evidence, thresholds_of(workspace.config))
    return Pair(a, b, kind, score, evidence)


def find_copies(
    workspace: Workspace, index: VectorIndex, fingerprint: Fingerprint, path: bytes, measure: Measure
) -> list[Match]:
    """The library's copies of the picture at `path` and similar shots, best first. Only `measure` decodes files."""
    finder = CandidateFinder(index, workspace.model_id, workspace.config.model.propose_cosine)
    with workspace.catalog.read() as tx:
        same = tx.contents.id_of(fingerprint.digest)
        candidates = [candidate for candidate in finder.propose_for(tx, fingerprint) if candidate.a != same]
        reached = {candidate.a for candidate in candidates} | ({same} if same is not None else set())
        sides = gather_sides(tx, workspace.thumbs, reached)
        files = tx.files.of_contents(reached)
    asked = Side(as_content(fingerprint), fingerprint.thumbnail, path)
    found = {} if same is None else {same: (PairKind.EXACT, 1.0, Evidence(method="bytes"))}
    thresholds = thresholds_of(workspace.config)
    cases = [Case(candidate, sides[candidate.a], asked) for candidate in candidates]
    for candidate, evidence in zip(candidates, measure(cases), strict=True):
        kind, score = (None, 0.0) if evidence is None else judge(evidence, thresholds)
        if evidence is not None and kind is not None:
            found[candidate.a] = (kind, score, evidence)
    matches = [
        Match(located, sides[content_id].content, *found[content_id])
        for located in files
        if (content_id := located.file.content_id) in found
    ]
    return sorted(matches, key=lambda match: (match.kind.strength, -match.score, match.file.path))


def clusters_of(tx: Transaction, matches: Collection[Match], order: KeeperOrder) -> dict[int, Cluster]:
    """The cluster of each matched file, by file id; a file that is only similar, or has no copy, is in none."""
    proven = [match for match in matches if match.kind is not PairKind.SIMILAR]
    if not proven:
        return {}
    found = find_clusters(tx, around={match.content.id for match in proven}, order=order)
    matched = {match.file.file.id for match in proven}
    return {member.file_id: cluster for cluster in found for member in cluster.members if member.file_id in matched}


def as_content(fingerprint: Fingerprint) -> Content:
    """A Content for a picture that need not be in the catalog, with the id `ASKED`."""
    return Content(
        id=ASKED,
        digest=fingerprint.digest,
        size=fingerprint.size,
        facts=fingerprint.facts,
        stream_digest=fingerprint.stream_digest,
        flat=fingerprint.flat,
        phash=fingerprint.hashes["phash"],
    )
