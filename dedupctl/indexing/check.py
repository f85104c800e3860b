"""Is every store whole, and do they agree? And what can be mended from the catalog, which alone is the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dedupctl.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a store ("catalog", "vectors", "thumbs")."""

    store: str
    what: str
    mended: bool = False


def find_faults(workspace: Workspace) -> list[Fault]:
    """Everything wrong with any store; empty when all is whole."""
    faults = [Fault("catalog", line) for line in workspace.catalog.integrity()]
    snapshot = workspace.snapshot_fault()
    with workspace.catalog.read() as tx:
        is_empty = len(tx.embeddings.labels(workspace.model_id)) == 0
    if is_empty:
        return faults
    if snapshot is not None:
        faults.append(Fault("vectors", snapshot))
    else:
        opened = workspace.open_index()
        if opened.added or opened.retired:
            faults.append(Fault("vectors", f"{opened.added} vectors missing, {opened.retired} too many"))
    return faults


def repair(workspace: Workspace, faults: list[Fault]) -> list[Fault]:
    """Mend what the catalog can restore. The caller holds the lock. The catalog itself only a backup can mend."""
    if any(fault.store == "vectors" for fault in faults):
        workspace.save_index(workspace.open_index().index)
    still = set(find_faults(workspace))
    return [replace(fault, mended=fault not in still) for fault in faults]
