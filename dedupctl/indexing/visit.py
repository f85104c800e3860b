"""One visit of a library. `dedupctl scan` runs it once, the daemon repeatedly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.root_marker import why_offline
from dedupctl.domain import Root, ScanSummary
from dedupctl.indexing.findings import Finding, FolderError
from dedupctl.indexing.pipeline import Listeners, Pipeline, Progress
from dedupctl.indexing.roots import ScanTarget, walk_targets
from dedupctl.indexing.upkeep import keep_up
from dedupctl.indexing.workers import Workers
from dedupctl.paths import join
from dedupctl.vectors.reconcile import OpenedIndex
from dedupctl.workspace import Workspace

KEEP_GONE_SECONDS = 90 * 86_400
"""How long the catalog remembers a deleted file, so that a disk kept in a drawer need not be indexed again."""

OnOffline = Callable[[Root, str], None]


def scan_library(
    workspace: Workspace,
    wanted: Sequence[ScanTarget],
    listeners: Listeners,
    on_offline: OnOffline,
    say: Callable[[str], None],
) -> ScanSummary:
    """Index these targets once. The caller holds the workspace's lock."""
    with closing(Workers(workspace.config, workspace.catalog.path)) as workers:
        keep_up(workspace, workers, say, listeners.is_stopped, lambda left: listeners.progress(Progress(to_embed=left)))
        opened = open_index(workspace, say)
        pipeline = Pipeline(workspace, opened.index, workers, listeners)
        summary = visit_targets(workspace, pipeline, wanted, on_offline)
        pipeline.save_index(force=opened.added + opened.retired > 0)
    return summary


def open_index(workspace: Workspace, say: Callable[[str], None]) -> OpenedIndex:
    """Open the vector index, and report it if the index had to be rebuilt."""
    opened = workspace.open_index()
    if opened.rebuilt_because and opened.added:
        say(f"vector index rebuilt: {opened.rebuilt_because}")
    return opened


def visit_targets(
    workspace: Workspace, pipeline: Pipeline, wanted: Sequence[ScanTarget], on_offline: OnOffline
) -> ScanSummary:
    """Visit these targets through a pipeline and record the time; an interrupted visit is not recorded.

    The visit counts as full if it covered every root that is online.
    """
    catalog = workspace.catalog
    is_full = _is_full(catalog, wanted)
    with catalog.write() as tx:
        run_id = tx.runs.start(int(time.time())) if is_full else None
    failures = _Failures()
    offline: set[int] = set()

    def went_offline(root: Root, reason: str) -> None:
        offline.add(root.id)
        on_offline(root, reason)

    findings = walk_targets(catalog, wanted, workspace.config.scan, went_offline, pipeline.beat)
    summary = pipeline.run(failures.noted(findings))
    if not pipeline.was_stopped:
        _forget_long_gone(catalog)
        visited = [target for target in wanted if target.root.id not in offline]
        now = int(time.time())
        with catalog.write() as tx:
            tx.unreadable_folders.visited(
                [join(target.root.path, target.folder) for target in visited], failures.reasons
            )
            for target in visited:
                if not target.folder:
                    tx.runs.remember_visit(target.root.id, now, summary)
            if run_id is not None:
                tx.runs.finish(run_id, now, summary)
        pipeline.save_index()
    return summary


def _is_full(catalog: Catalog, wanted: Sequence[ScanTarget]) -> bool:
    with catalog.read() as tx:
        roots = tx.roots.all()
    visited = {target.root.id for target in wanted if not target.folder}
    return all(root.id in visited for root in roots if why_offline(root) is None)


class _Failures:
    """Collects the folders that could not be read while passing findings on."""

    def __init__(self) -> None:
        self.reasons: dict[bytes, str] = {}

    def noted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        for finding in findings:
            if isinstance(finding, FolderError):
                self.reasons[finding.path] = finding.reason
            yield finding


def _forget_long_gone(catalog: Catalog) -> None:
    with catalog.write() as tx:
        if tx.files.forget_gone(before=int(time.time()) - KEEP_GONE_SECONDS):
            tx.contents.forget_unheld()
