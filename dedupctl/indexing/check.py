"""Check that every store is intact and that the stores agree, and repair what the catalog and the disk allow.

The catalog is authoritative: everything derived from it is rebuilt. Damaged catalog rows that came from the disk are
dropped and read again; what a person decided or did can only be restored from a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from dedupctl.catalog.chunked import chunked
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

CONTENTS_A_BATCH = 1000
FILES_A_BATCH = 16


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a store ("catalog", "vectors", "thumbs", "quarantine")."""

    store: str
    what: str
    mended: bool = False


def find_faults(workspace: Workspace) -> list[Fault]:
    """Every fault in any store of the home directory; empty if all stores are intact."""
    faults = [Fault("catalog", line) for line in workspace.catalog.integrity()]
    faults += [Fault("catalog", f"{one.table}: {one.what}: {one.rows:,}") for one in workspace.catalog.row_faults()]
    if not faults:  # the graph can only be compared if the vectors can be read
        faults += _faults_of_vectors(workspace)
    lost = sum(len(part) for part in _without_thumbnail(workspace))
    if lost:
        faults.append(Fault("thumbs", f"pictures without a thumbnail: {lost:,}"))
    return faults


def repair(workspace: Workspace, faults: list[Fault], is_stopped: Callable[[], bool] = lambda: False) -> list[Fault]:
    """Repair what can be repaired. Returns the repaired faults, then the remaining ones. The caller holds the lock."""
    if any(fault.store == "catalog" for fault in faults):
        workspace.catalog.mend_rows()
    if any(fault.store in ("catalog", "vectors") for fault in faults) and not workspace.catalog.row_faults():
        workspace.save_index(workspace.open_index().index)
    if any(fault.store == "thumbs" for fault in faults):
        _make_thumbnails(workspace, is_stopped)
    left = find_faults(workspace)
    return [replace(fault, mended=True) for fault in faults if fault not in left] + left


def _faults_of_vectors(workspace: Workspace) -> Iterator[Fault]:
    snapshot = workspace.snapshot_fault()
    with workspace.catalog.read() as tx:
        is_empty = len(tx.embeddings.labels(workspace.model_id)) == 0
    if is_empty:
        return
    if snapshot is not None:
        yield Fault("vectors", snapshot)
        return
    opened = workspace.open_index()
    if opened.added or opened.retired:
        yield Fault("vectors", f"{opened.added} vectors missing, {opened.retired} too many")


def _without_thumbnail(workspace: Workspace) -> Iterator[list[int]]:
    """Contents of present files that have no thumbnail, in batches."""
    with workspace.catalog.read() as tx:
        for part in chunked(tx.contents.held(), CONTENTS_A_BATCH):
            held = workspace.thumbs.held([digest for digest, _ in part])
            yield [content_id for digest, content_id in part if digest not in held]


def _make_thumbnails(workspace: Workspace, is_stopped: Callable[[], bool]) -> None:
    """Create missing thumbnails from the files. Files that cannot be read now remain without one."""
    lost = [content_id for part in _without_thumbnail(workspace) for content_id in part]
    with closing(Workers(workspace.config, workspace.catalog.path)) as workers:
        for part in chunked(lost, FILES_A_BATCH * workers.count):
            if is_stopped():
                return
            with workspace.catalog.read() as tx:
                digests = {one.id: one.digest for one in tx.contents.get(part).values()}
                paths = {located.file.content_id: located.path for located in tx.files.of_contents(part)}
            wanted = [(digests[content_id], path) for content_id, path in paths.items() if content_id is not None]
            batches = [list(batch) for batch in chunked(wanted, FILES_A_BATCH)]
            answers = [workers.thumbnails([path for _, path in batch]) for batch in batches]
            for batch, answer in zip(batches, answers, strict=True):
                made = zip(batch, answer.result().results, strict=True)
                workspace.thumbs.put({digest: jpeg for (digest, _), jpeg in made if isinstance(jpeg, bytes)})
