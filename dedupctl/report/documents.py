"""The JSON documents that scripts rely on: their keys are a contract, so keys may be added but not renamed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dedupctl.catalog.pairs import evidence_as_dict
from dedupctl.domain import Cluster, Member, PairKind
from dedupctl.report.report_facts import Explain, FileProblem

if TYPE_CHECKING:  # these load OpenCV, which listing clusters does not need
    from dedupctl.matching.explanation import Explanation
    from dedupctl.matching.file_pairs import FilePair
    from dedupctl.matching.lookup import Match


def clusters_as_json(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """The document of `clusters --json`: `{"clusters": [...]}`; its keys are a contract."""
    return {"clusters": [cluster_as_json(cluster) for cluster in clusters]}


def cluster_as_json(cluster: Cluster, explain: Explain | None = None) -> dict[str, Any]:
    """One cluster; a file's kind, score and evidence are those of its own pair with the keeper.

    With `explain`, each file but the keeper also has its evidence `in_words`.
    """
    files = [_file_as_json(member) for member in cluster.members]
    if explain:
        for entry, member in zip(files[1:], cluster.members[1:], strict=True):
            entry["in_words"] = explain(cluster.keeper, member)
    return {
        "id": cluster.id,
        "kind": cluster.kind.value,
        "keeper": path_as_json(cluster.keeper.path),
        "keeper_rules": list(cluster.rules) if cluster.kind is not PairKind.SIMILAR else [],
        "reclaimable_bytes": cluster.reclaimable_bytes,
        "files": files,
    }


def path_as_json(path: bytes) -> str:
    """A path as text from which its bytes can be restored: what is not UTF-8 is kept with surrogateescape."""
    return os.fsdecode(path)


def problems_as_json(problems: Iterable[FileProblem]) -> dict[str, Any]:
    """The document of `status --errors --json`."""
    return {
        "errors": [
            {"path": path_as_json(problem.path), "reason": f"{problem.code}: {problem.message}"} for problem in problems
        ]
    }


def pairs_as_json(pairs: Iterable[FilePair]) -> dict[str, Any]:
    """The document of `compare --json`."""
    return {
        "pairs": [
            {
                "a": path_as_json(pair.a.path),
                "b": path_as_json(pair.b.path),
                "kind": pair.kind.value,
                "score": pair.score,
                "evidence": evidence_as_dict(pair.evidence),
            }
            for pair in pairs
        ]
    }


def matches_as_json(matches: Iterable[Match], clusters: Mapping[int, Cluster]) -> dict[str, Any]:
    """The document of `find --json`; `clusters` gives the cluster of a matched file by file id."""
    return {"matches": [_match_as_json(match, clusters.get(match.file.file.id)) for match in matches]}


def explanation_as_json(a: bytes, b: bytes, explanation: Explanation) -> dict[str, Any]:
    """The document of `explain --json` for the files at these absolute paths."""
    return {
        "a": path_as_json(a),
        "b": path_as_json(b),
        "kind": explanation.kind and explanation.kind.value,
        "score": explanation.score,
        "words": explanation.words,
        "evidence": {} if explanation.pair is None else evidence_as_dict(explanation.evidence),
    }


def _match_as_json(match: Match, cluster: Cluster | None) -> dict[str, Any]:
    facts = match.content.facts
    return {
        "path": path_as_json(match.file.path),
        "kind": match.kind.value,
        "score": match.score,
        "size": match.content.size,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "evidence": evidence_as_dict(match.evidence),
        "keeper": None if cluster is None else path_as_json(cluster.keeper.path),
        "keeper_rules": [] if cluster is None else list(cluster.rules),
    }


def _file_as_json(member: Member) -> dict[str, Any]:
    facts = member.content.facts
    return {
        "path": path_as_json(member.path),
        "size": member.identity.size,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "kind": member.kind.value,
        "score": member.score,
        "rule": member.rule,
        "evidence": evidence_as_dict(member.evidence) if member.evidence else {},
    }
