"""The one writer: what was found and read goes into the catalog in one transaction, then into the vector index.

tx 1 stores Content + hashes + Embedding + File with `matched_at` NULL; then the vectors join the graph in memory. A
crash in between leaves the graph behind the catalog, which the next open mends by set difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np

from dedupctl.catalog.files import Sighting
from dedupctl.domain import FloatArray, IntArray, Unreadable
from dedupctl.fingerprint.fingerprinter import Read
from dedupctl.indexing.scan import Gone, Relinked, Revived, Unread
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.workspace import Workspace

TRANSIENT = frozenset({"changed", "vanished"})
"""Outcomes that say nothing of the file: it was being written or went away; the next look finds it as it is."""
SNAPSHOT_EVERY = 20_000
"""New vectors between two snapshots of the index in one long scan."""


class Writer:
    """Collects what must change and writes it at once."""

    def __init__(self, workspace: Workspace, index: HnswIndex) -> None:
        self._workspace = workspace
        self._index = index
        self._unsaved_vectors = 0
        self._begin()

    @property
    def pending(self) -> int:
        """Changes collected and not yet written."""
        return len(self._outcomes) + len(self._relinked) + len(self._gone) + len(self._revived)

    def took(self, unread: Unread, outcome: Read | Unreadable) -> None:
        self._outcomes.append((unread, outcome))

    def note(self, finding: Relinked | Gone | Revived) -> None:
        match finding:
            case Relinked(sighting, _):
                self._relinked.append(sighting)
            case Gone(file_ids):
                self._gone += file_ids
            case Revived(file_ids):
                self._revived += file_ids

    def write(self) -> None:
        """Commit everything collected."""
        if not self.pending:
            return
        reads = [outcome for _, outcome in self._outcomes if isinstance(outcome, Read)]
        fresh = {read.digest: read.fingerprint for read in reads if read.fingerprint is not None}
        self._workspace.thumbs.put({digest: fingerprint.thumbnail for digest, fingerprint in fresh.items()})
        with self._workspace.catalog.write() as tx:
            known = tx.contents.ids_of({read.digest for read in reads})
            new = [fingerprint for digest, fingerprint in fresh.items() if digest not in known]
            new_ids = tx.contents.add(new)
            vectors = {content_id: one.vectors for content_id, one in zip(new_ids, new, strict=True)}
            labels = tx.embeddings.add(self._workspace.model_id, vectors)
            known |= {one.digest: content_id for one, content_id in zip(new, new_ids, strict=True)}
            roots = {root.id for root in tx.roots.all()}  # one may have been removed by a command meanwhile
            seen = [*self._relinked, *_sightings(self._outcomes, known)]
            tx.files.record([sighting for sighting in seen if sighting.root_id in roots])
            tx.files.mark_gone(self._gone, int(time.time()))
            tx.files.revive(self._revived)
        lively = np.array([not one.flat for one in new for _ in one.vectors], np.bool_)
        vectors_of_lively = [vector for one in new if not one.flat for vector in one.vectors]
        self.grow_index(labels[lively], np.array(vectors_of_lively, np.float32))
        self._begin()

    def grow_index(self, labels: IntArray, vectors: FloatArray) -> None:
        """Add what the catalog holds by now, but for flat pictures: they are near to everything blank."""
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
        self._outcomes: list[tuple[Unread, Read | Unreadable]] = []
        self._relinked: list[Sighting] = []
        self._gone: list[int] = []
        self._revived: list[int] = []


def _sightings(outcomes: Iterable[tuple[Unread, Read | Unreadable]], known: dict[bytes, int]) -> Iterator[Sighting]:
    for unread, outcome in outcomes:
        if isinstance(outcome, Read):
            yield Sighting(unread.root_id, unread.path, outcome.identity, known[outcome.digest])
        elif outcome.code not in TRANSIENT:
            yield Sighting(unread.root_id, unread.path, unread.identity, outcome)
