"""The one writer stores findings and fingerprints in the catalog in one transaction, then updates the vector index.

The transaction stores Content, hashes, Embedding and File with `matched_at` NULL; then the vectors are added to the
graph in memory. After a crash in between, the next opening adds the missing vectors by set difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.domain import FloatArray, IntArray, Unreadable
from dedupctl.fingerprint.fingerprinter import Read
from dedupctl.indexing.findings import Gone, PassedOver, Relinked, Revived, Unread
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.workspace import Workspace

TRANSIENT = frozenset({"changed", "vanished"})
"""Outcomes that say nothing about the file, which was being written or removed. The next visit examines it again."""
SNAPSHOT_EVERY = 20_000
"""New vectors between two snapshots of the index in one long scan."""

LONG_AGO = 0
"""The time at which a skipped file counts as gone: the visit forgets it at once, and no report mentions a loss."""


@dataclass(slots=True)
class _Notes:
    """Findings in the order in which they are written. One that would have to be written earlier starts new notes.

    A file that is deleted and recreated between two writes is marked gone first and ends up present.
    """

    outcomes: list[tuple[Unread, Read | Unreadable]] = field(default_factory=list)
    relinked: list[Sighting] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    let_go: list[int] = field(default_factory=list)
    """Files that nobody deleted, in folders that are now skipped."""
    revived: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.outcomes) + len(self.relinked) + len(self.gone) + len(self.let_go) + len(self.revived)


class Writer:
    """Collects changes and writes them together."""

    def __init__(self, workspace: Workspace, index: HnswIndex) -> None:
        self._workspace = workspace
        self._index = index
        self._unsaved_vectors = 0
        self._begin()

    @property
    def pending(self) -> int:
        """The number of changes collected but not yet written."""
        return sum(map(len, self._notes))

    def took(self, unread: Unread, outcome: Read | Unreadable) -> None:
        self._notes_that(lambda notes: not (notes.gone or notes.let_go or notes.revived)).outcomes.append(
            (unread, outcome)
        )

    def note(self, finding: Relinked | Gone | PassedOver | Revived) -> None:
        match finding:
            case Relinked(sighting, _):
                self._notes_that(lambda notes: not (notes.gone or notes.let_go or notes.revived)).relinked.append(
                    sighting
                )
            case Gone(file_ids):
                self._notes_that(lambda notes: not notes.revived).gone += file_ids
            case PassedOver(_, file_ids):
                self._notes_that(lambda notes: not notes.revived).let_go += file_ids
            case Revived(file_ids):
                self._notes[-1].revived += file_ids

    def write(self) -> None:
        """Commit everything collected."""
        if not self.pending:
            return
        outcomes = [outcome for notes in self._notes for _, outcome in notes.outcomes]
        reads = [outcome for outcome in outcomes if isinstance(outcome, Read)]
        fresh = {read.digest: read.fingerprint for read in reads if read.fingerprint is not None}
        self._workspace.thumbs.put({digest: fingerprint.thumbnail for digest, fingerprint in fresh.items()})
        drawn = {digest: one.sketches for digest, one in fresh.items() if one.sketches is not None}
        self._workspace.thumbs.put_sketches(drawn)
        with self._workspace.catalog.write() as tx:
            known = tx.contents.ids_of({read.digest for read in reads})
            claimed = _claimed(tx, {digest: known[digest] for digest in fresh if digest in known})
            withdrawn_labels = tx.embeddings.labels_of(claimed.values())
            tx.imported.withdraw(claimed.values())
            known = {digest: content_id for digest, content_id in known.items() if digest not in claimed}
            new = [fingerprint for digest, fingerprint in fresh.items() if digest not in known]
            new_ids = tx.contents.add(new)
            vectors = {content_id: one.vectors for content_id, one in zip(new_ids, new, strict=True)}
            labels = tx.embeddings.add(self._workspace.model_id, vectors)
            known |= {one.digest: content_id for one, content_id in zip(new, new_ids, strict=True)}
            tx.imported.hand_over({content_id: known[digest] for digest, content_id in claimed.items()})
            roots = {root.id for root in tx.roots.all()}  # one may have been removed by a command meanwhile
            for notes in self._notes:
                seen = [*notes.relinked, *_sightings(notes.outcomes, known)]
                recorded = [sighting for sighting in seen if sighting.root_id in roots]
                tx.files.record(recorded)
                tx.retries.note(recorded, int(time.time()))
                tx.files.mark_gone(notes.gone, int(time.time()))
                tx.files.mark_gone(notes.let_go, LONG_AGO)
                tx.files.revive(notes.revived)
        self._index.retire(withdrawn_labels)
        lively = np.array([not one.flat for one in new for _ in one.vectors], np.bool_)
        vectors_of_lively = [vector for one in new if not one.flat for vector in one.vectors]
        self.grow_index(labels[lively], np.array(vectors_of_lively, np.float32))
        self._begin()

    def grow_index(self, labels: IntArray, vectors: FloatArray) -> None:
        """Add vectors that the catalog already holds, except those of flat pictures, which resemble every blank one."""
        if not len(labels):
            return
        self._index.add(labels, vectors)
        self._unsaved_vectors += len(labels)
        if self._unsaved_vectors >= SNAPSHOT_EVERY:
            self.save_index()

    def save_index(self, *, force: bool = False) -> None:
        """Publish a snapshot of the index if it has grown (or was rebuilt: `force`)."""
        if self._unsaved_vectors or force:
            self._workspace.save_index(self._index)
            self._unsaved_vectors = 0

    def _begin(self) -> None:
        self._notes = [_Notes()]

    def _notes_that(self, still_take_it: Callable[[_Notes], bool]) -> _Notes:
        if not still_take_it(self._notes[-1]):
            self._notes.append(_Notes())
        return self._notes[-1]


def _claimed(tx: Transaction, read_again: Mapping[bytes, int]) -> dict[bytes, int]:
    """Which of these contents, by digest, are imported claims. What was just read from the file replaces them."""
    imported = tx.imported.among(read_again.values())
    return {digest: content_id for digest, content_id in read_again.items() if content_id in imported}


def _sightings(outcomes: Iterable[tuple[Unread, Read | Unreadable]], known: dict[bytes, int]) -> Iterator[Sighting]:
    for unread, outcome in outcomes:
        if isinstance(outcome, Read):
            yield Sighting(unread.root_id, unread.path, outcome.identity, known[outcome.digest])
        elif outcome.code not in TRANSIENT:
            yield Sighting(unread.root_id, unread.path, unread.identity, outcome)
