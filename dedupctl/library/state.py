"""The part of `Library` that says how the library is: counts, roots, daemon, index, unreadable files."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedupctl.catalog.backups import back_up
from dedupctl.catalog.catalog import DAEMON_OUTAGE, DAEMON_PAUSED, Transaction
from dedupctl.domain import FileState, PairKind, Root
from dedupctl.indexing.roots import present
from dedupctl.library.given_paths import AnyPath, absolute
from dedupctl.library.opened import OpenedLibrary
from dedupctl.matching.clusters import find_clusters
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.report.report_facts import FileProblem, LibraryFacts, library_facts, problems_of


@dataclass(frozen=True, slots=True)
class RootState:
    """A watched folder, what it holds, and whether it is there now."""

    root: Root
    offline: str | None
    """Why it cannot be visited now; None if it is online."""
    files: int
    errors: int
    """Files from which no picture could be read."""
    total_bytes: int
    last_visit: int | None
    """When it was last visited from end to end; None if never."""
    devices: Mapping[int, tuple[int, bytes]]
    """By device number: how many of its files lie there, and the first folder with one, relative to the root."""


@dataclass(frozen=True, slots=True)
class QuarantineState:
    """What waits in quarantine."""

    files: int
    total_bytes: int
    oldest_at: int | None


@dataclass(frozen=True, slots=True)
class IndexState:
    """How the vector index is."""

    fault: str | None
    """Why it will be rebuilt when it is next opened, as far as can be told without reading it; None if it is whole."""
    vectors: int
    waiting: int
    """Pictures that have no embedding of the present model yet."""


@dataclass(frozen=True, slots=True)
class LibraryState:
    """How a library is now. Times are seconds since 1970."""

    files: Mapping[FileState, int]
    errors: Mapping[str, int]
    """How many files could not be read, by the code of the reason."""
    contents: int
    total_bytes: int
    pairs: Mapping[PairKind, int]
    unmatched: int
    """Pictures not yet compared with the rest."""
    roots: Sequence[RootState]
    daemon: Mapping[str, Any] | None
    """What the daemon last said about itself; None if none is running."""
    paused_since: int | None
    """When the daemon was told to rest; None if it was not."""
    last_outage: Any
    """The last time the daemon had to wait for its stores, as it wrote it down; None if never."""
    quarantine: QuarantineState
    index: IndexState
    last_full_scan: int | None
    passed_over: int
    """System folders that the last full scan did not enter."""


class State(OpenedLibrary):
    """How the library is."""

    def state(self) -> LibraryState:
        """Counts, roots, quarantine, index and daemon. Quick, so that a monitor may ask often."""
        offline = self._offline()
        daemon = self.daemon_state()
        with self._workspace.catalog.read() as tx:
            last = tx.runs.last_finished()
            return LibraryState(
                files=tx.files.count(),
                errors=tx.files.count_errors(),
                contents=tx.contents.count(),
                total_bytes=tx.files.total_bytes(),
                pairs=tx.pairs.count_by_kind(),
                unmatched=tx.contents.count_unmatched(),
                roots=[_root_state(tx, root, offline.get(root.id)) for root in tx.roots.all()],
                daemon=daemon,
                paused_since=tx.meta.document(DAEMON_PAUSED),
                last_outage=tx.meta.document(DAEMON_OUTAGE),
                quarantine=_quarantine_state(tx),
                index=self._index_state(tx),
                last_full_scan=None if last is None else last.finished_at,
                passed_over=0 if last is None or last.summary is None else last.summary.passed_over,
            )

    def root_states(self) -> list[RootState]:
        """The watched folders, what they hold, and whether they are there now."""
        offline = self._offline()
        with self._workspace.catalog.read() as tx:
            return [_root_state(tx, root, offline.get(root.id)) for root in tx.roots.all()]

    def count_waiting(self) -> int:
        """Pictures that have no embedding of the present model yet; `find` may miss edited copies of them."""
        with self._workspace.catalog.read() as tx:
            return tx.embeddings.count_missing(self._workspace.model_id)

    def totals(self, policy: str = "tidy") -> LibraryFacts:
        """The library as a whole: files, pictures, and what its duplicates would free, by kind and by root.

        Raises:
            UsageError: there is no such policy.
        """
        with self._workspace.catalog.read() as tx:
            return library_facts(tx, find_clusters(tx, order=keeper_order(tx, self.policy(policy))))

    def pause_daemon(self) -> None:
        """Let the daemon rest until `resume_daemon`, even if it restarts."""
        with self._workspace.catalog.write() as tx:
            tx.meta.put(DAEMON_PAUSED, str(int(time.time())))

    def resume_daemon(self) -> None:
        """Let the daemon go on after `pause_daemon`."""
        with self._workspace.catalog.write() as tx:
            tx.meta.put(DAEMON_PAUSED, "null")

    def back_up(self, target: AnyPath) -> None:
        """Copy the catalog as it is now to a new file, and check the copy. Works beside a running daemon.

        Raises:
            UsageError: `target` exists, or its folder does not.
            StoreDamaged: the copy is not whole, because the catalog is not.
            StoreError: it cannot be written.
        """
        back_up(self._workspace.catalog, Path(os.fsdecode(absolute(target))))

    def problems(self) -> list[FileProblem]:
        """Folders that cannot be read, then files from which no picture could be read, with the reasons."""
        with self._workspace.catalog.read() as tx:
            return problems_of(tx)

    def _index_state(self, tx: Transaction) -> IndexState:
        return IndexState(
            fault=self._workspace.glance_at_snapshot(),
            vectors=tx.embeddings.count(self._workspace.model_id),
            waiting=tx.embeddings.count_missing(self._workspace.model_id),
        )

    def _offline(self) -> dict[int, str]:
        """The reason by root id, for each root that is offline."""
        with self._workspace.catalog.read() as tx:
            roots = tx.roots.all()
        reasons = {root.id: present(self._workspace.catalog, root)[1] for root in roots}
        return {root_id: reason for root_id, reason in reasons.items() if reason is not None}


def _root_state(tx: Transaction, root: Root, offline: str | None) -> RootState:
    counts = tx.files.count(root.id)
    visit = tx.runs.last_visit(root.id)
    return RootState(
        root=root,
        offline=offline,
        files=counts[FileState.PRESENT],
        errors=counts[FileState.ERROR],
        total_bytes=tx.files.total_bytes(root.id),
        last_visit=None if visit is None else visit.finished_at,
        devices=tx.files.count_by_device(root.id),
    )


def _quarantine_state(tx: Transaction) -> QuarantineState:
    waiting = [entry for entry in tx.journal.resting() if entry.action.verb.quarantines]
    return QuarantineState(
        files=len(waiting),
        total_bytes=sum(entry.action.victim.identity.size for entry in waiting),
        oldest_at=min((entry.started_at for entry in waiting), default=None),
    )
