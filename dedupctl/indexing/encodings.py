"""Encodings transfer what was read from pictures to another catalog, which then need not decode them again.

The format is JSON Lines: one content per line, identified by its content hash, with its facts, hashes, vectors and
thumbnail. It contains no paths. Imported contents are marked: they can propose pairs, but no removal relies on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from dedupctl.domain import Fingerprint
from dedupctl.indexing.encoding import MOST_LINE_BYTES, Encoding, LineRefused, read_line
from dedupctl.workspace import Workspace

CONTENTS_A_BATCH = 256


@dataclass(frozen=True, slots=True)
class RefusedLines:
    """Consecutive lines refused for the same reason. Line numbers start at 1."""

    first: int
    last: int
    reason: str


@dataclass(slots=True)
class ImportSummary:
    """The outcome of an import."""

    new: int = 0
    known: int = 0
    refused: list[RefusedLines] = field(default_factory=list)

    def refuse(self, number: int, reason: str) -> None:
        """Note a refused line. A whole file from another model becomes one entry."""
        before = self.refused[-1] if self.refused else None
        if before is not None and (before.last, before.reason) == (number - 1, reason):
            self.refused[-1] = RefusedLines(before.first, number, reason)
        else:
            self.refused.append(RefusedLines(number, number, reason))


def export_encodings(workspace: Workspace) -> Iterator[str]:
    """A line for every content that has its vectors and its thumbnail."""
    algorithms = ["phash", "phash8", *(name for name in workspace.config.hashes.algorithms if name != "phash")]
    above = 0
    while True:
        with workspace.catalog.read() as tx:
            contents = tx.contents.following(above, CONTENTS_A_BATCH)
            ids = [content.id for content in contents]
            hashes = {name: tx.contents.hash_of(ids, name) for name in algorithms}
            parts = tx.embeddings.of_contents(workspace.model_id, ids)
        if not contents:
            return
        above = ids[-1]
        thumbnails = workspace.thumbs.get([content.digest for content in contents])
        for content in contents:
            if content.id in parts and content.digest in thumbnails:
                known = {name: found[content.id] for name, found in hashes.items() if content.id in found}
                vectors = [vector for _, vector in parts[content.id]]
                one = Encoding.of(content, known, vectors, workspace.model.key, thumbnails[content.digest])
                yield one.model_dump_json()


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file without line endings. A line too long to be an encoding is cut short."""
    while line := file.readline(MOST_LINE_BYTES + 2):
        yield line.rstrip(b"\r\n")
        while line and not line.endswith(b"\n"):
            line = file.readline(MOST_LINE_BYTES)


def import_encodings(workspace: Workspace, lines: Iterable[str | bytes]) -> ImportSummary:
    """Store contents not known yet; the vector index adds them when next opened. The caller holds the lock.

    A line that is not an encoding, or comes from another embedding model, is refused and listed in the summary.
    """
    summary = ImportSummary()
    batch: list[Fingerprint] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            batch.append(read_line(line, workspace.model))
        except LineRefused as refused:
            summary.refuse(number, str(refused))
        if len(batch) == CONTENTS_A_BATCH:
            _take(workspace, batch, summary)
            batch = []
    _take(workspace, batch, summary)
    return summary


def _take(workspace: Workspace, fingerprints: Sequence[Fingerprint], summary: ImportSummary) -> None:
    """Store unknown contents. Contents read from local files, and their thumbnails, stay unchanged."""
    with workspace.catalog.read() as tx:
        known = tx.contents.ids_of({one.digest for one in fingerprints})
    fresh = list({one.digest: one for one in fingerprints if one.digest not in known}.values())
    workspace.thumbs.put({one.digest: one.thumbnail for one in fresh})
    with workspace.catalog.write() as tx:
        ids = tx.contents.add(fresh)
        tx.imported.mark(ids)
        tx.embeddings.add(workspace.model_id, {i: one.vectors for i, one in zip(ids, fresh, strict=True)})
    summary.new += len(fresh)
    summary.known += len(fingerprints) - len(fresh)
