"""The facts of a report for machines (JSON), spreadsheets (CSV) and notes (Markdown), in pieces to be written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from dedupctl.matching.keeper import reasons_in_words
from dedupctl.report.documents import cluster_as_json, path_as_json
from dedupctl.report.report_facts import Explain, Facts, FileProblem
from dedupctl.report.templating import MEANINGS
from dedupctl.report.wording import counted, csv_cell, date_of, folder_and_name, markdown, moment, shown, size

CSV_HEADER = (
    *("cluster", "cluster_kind", "role", "kind", "score", "evidence", "folder", "name", "bytes"),
    *("width", "height", "format", "date", "date_is", "camera", "reclaimable_bytes", "kept_because"),
)


def as_json(facts: Facts, explain: Explain, limit: int) -> Iterator[str]:
    """One JSON document; clusters as in `clusters --json`, and each file with its evidence in words."""
    library = facts.library
    head: dict[str, Any] = {
        "written_at": _iso(library.written_at),
        "library": {
            "files": library.files,
            "pictures": library.pictures,
            "total_bytes": library.total_bytes,
            "reclaimable_bytes": library.reclaimable_bytes,
            "clusters": len(facts.clusters),
            "clusters_left_out": max(0, len(facts.clusters) - limit),
            "unmatched": library.unmatched,
            "last_scan_at": None if library.last_scan_at is None else _iso(library.last_scan_at),
        },
        "kinds": [asdict(kind) for kind in library.kinds],
        "roots": [
            {
                "path": path_as_json(root.root.path),
                "reference": root.root.reference,
                "files": root.files,
                "total_bytes": root.total_bytes,
                "reclaimable_bytes": root.reclaimable_bytes,
                "errors": root.errors,
            }
            for root in library.roots
        ],
        "changes": _changes_as_json(facts),
        "errors": [_problem_as_json(problem) for problem in facts.errors],
        "skipped": [_problem_as_json(problem) for problem in facts.skipped],
    }
    yield json.dumps(head, indent=1)[:-2]
    for key, clusters in (("clusters", facts.clusters[:limit]), ("similar", facts.similar[:limit])):
        yield f',\n "{key}": ['
        for position, cluster in enumerate(clusters):
            yield (",\n  " if position else "\n  ") + json.dumps(cluster_as_json(cluster, explain))
        yield "]"
    yield "\n}\n"


def as_csv(facts: Facts, explain: Explain, limit: int) -> Iterator[str]:
    """One row per file, clusters in order of saving, the keeper first; no cell is a formula to a spreadsheet."""
    yield csv_line(CSV_HEADER)
    for cluster in (*facts.clusters[:limit], *facts.similar[:limit]):
        for member in cluster.members:
            is_keeper = member is cluster.keeper
            folder, name = folder_and_name(member.path)
            date, source = date_of(member)
            kept = cluster.kind != "similar"
            yield csv_line(
                (
                    cluster.id,
                    cluster.kind.value,
                    ("keeper" if is_keeper else "duplicate") if kept else "similar",
                    "" if is_keeper else member.kind.value,
                    "" if is_keeper else round(member.score, 4),
                    "" if is_keeper else shown(explain(cluster.keeper, member)),
                    folder,
                    name,
                    member.identity.size,
                    member.content.facts.width,
                    member.content.facts.height,
                    shown(member.content.facts.format),
                    date,
                    source,
                    shown(member.content.facts.camera or ""),
                    cluster.reclaimable_bytes if kept and is_keeper else "",
                    reasons_in_words(cluster.rules) if kept and is_keeper else "",
                )
            )


def csv_line(cells: Iterable[object]) -> str:
    line = StringIO()
    csv.writer(line).writerow([csv_cell(cell) for cell in cells])
    return line.getvalue()


def as_markdown(facts: Facts, explain: Explain, limit: int) -> Iterator[str]:
    library = facts.library
    yield f"# {size(library.reclaimable_bytes)} can be freed\n\n"
    yield (
        f"{counted(len(facts.clusters), 'cluster')} of duplicates among {counted(library.files, 'file')}"
        f" ({size(library.total_bytes)}), {moment(library.written_at)}.\n\n"
    )
    yield "| kind | means | clusters | spare files | to free |\n|---|---|--:|--:|--:|\n"
    for kind in library.kinds:
        yield (
            f"| {kind.kind} | {MEANINGS[kind.kind]} | {kind.clusters:,} | {kind.files:,} |"
            f" {size(kind.reclaimable_bytes)} |\n"
        )
    yield "\n| folder | files | size | to free | errors |\n|---|--:|--:|--:|--:|\n"
    for root in library.roots:
        yield (
            f"| {markdown(shown(root.root.path))} | {root.files:,} | {size(root.total_bytes)} |"
            f" {size(root.reclaimable_bytes)} | {root.errors:,} |\n"
        )
    if facts.changes:
        changes = facts.changes
        yield (
            f"\n## Since the last report ({moment(changes.since)})\n\n"
            f"{counted(changes.new_files, 'new file')}, {changes.gone_files:,} gone;"
            f" {counted(changes.new_clusters, 'new cluster')}, {changes.grown_clusters:,} grown,"
            f" {changes.resolved_clusters:,} resolved;"
            f" to free: {size(changes.reclaimable_before)} before, {size(changes.reclaimable_now)} now.\n"
        )
    yield "\n## Clusters, largest saving first\n"
    for cluster in facts.clusters[:limit]:
        yield f"\n### {cluster.id}: {counted(len(cluster.members), 'file')}, {cluster.kind},"
        yield f" frees {size(cluster.reclaimable_bytes)}\n\n"
        for member in cluster.members:
            facts_of = member.content.facts
            role = "**keep**" if member is cluster.keeper else member.kind.value
            words = reasons_in_words(cluster.rules) if member is cluster.keeper else explain(cluster.keeper, member)
            yield (
                f"- {role} {markdown(shown(member.path))} ({facts_of.width} × {facts_of.height},"
                f" {size(member.identity.size)}, {markdown(shown(facts_of.format))}, {date_of(member)[0]}):"
                f" {markdown(shown(words))}\n"
            )
    if len(facts.clusters) > limit:
        yield f"\n{counted(len(facts.clusters) - limit, 'more cluster')} left out (`--limit`).\n"
    yield from _problems_as_markdown("Errors", facts.errors)
    yield from _problems_as_markdown("Skipped", facts.skipped)


def _problems_as_markdown(title: str, problems: Sequence[FileProblem]) -> Iterator[str]:
    if problems:
        yield f"\n## {title}\n\n| file | reason |\n|---|---|\n"
    for problem in problems:
        yield f"| {markdown(shown(problem.path))} | {markdown(shown(problem.message))} |\n"


def _problem_as_json(problem: FileProblem) -> dict[str, str]:
    return {"path": path_as_json(problem.path), "code": problem.code, "reason": problem.message}


def _changes_as_json(facts: Facts) -> dict[str, Any] | None:
    changes = facts.changes
    if changes is None:
        return None
    return {
        "since": _iso(changes.since),
        "new_files": changes.new_files,
        "gone_files": changes.gone_files,
        "new_clusters": changes.new_clusters,
        "grown_clusters": changes.grown_clusters,
        "resolved_clusters": changes.resolved_clusters,
        "reclaimable_before": changes.reclaimable_before,
        "reclaimable_now": changes.reclaimable_now,
    }


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
