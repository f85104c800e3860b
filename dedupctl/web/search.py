"""Search by picture: which pictures of the library are copies of this one? It need not be in the library itself."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dedupctl.domain import Cluster, Member, Pair, Unreadable
from dedupctl.errors import UsageError
from dedupctl.indexing.workers import Workers
from dedupctl.matching.candidates import ASKED
from dedupctl.matching.keeper import reasons_in_words
from dedupctl.matching.lookup import Match, as_content, clusters_of, find_copies
from dedupctl.matching.sentence import sentence
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.vectors.vector_index import VectorIndex
from dedupctl.web.queue import Queue
from dedupctl.workspace import Workspace

MAX_UPLOAD_BYTES = 512_000_000
NAMES = ("this", "your picture")


@dataclass(frozen=True, slots=True)
class Found:
    """One copy in the library, and in words how it relates to the query picture."""

    member: Member
    words: str
    because: str
    """Why it is the keeper of its cluster; empty for other members."""


class Search:
    """Keeps the vector index open after the first search. Searches run one at a time; workers decode the files."""

    def __init__(self, workspace: Workspace, queue: Queue, workers: Workers) -> None:
        self._workspace = workspace
        self._queue = queue
        self._asking = threading.Lock()
        self._workers = workers
        self._index: tuple[str, VectorIndex] | None = None

    def copies_of(self, path: Path) -> Sequence[Found]:
        """The library's copies of the picture in this file, best first.

        Raises:
            UsageError: no picture can be read from it.
        """
        with self._asking:
            read = self._workers.fingerprint(bytes(path))
            if isinstance(read, Unreadable) or read.fingerprint is None:
                raise UsageError(f"no picture can be read from it: {read}")
            index = self._current_index()
            matches = find_copies(self._workspace, index, read.fingerprint, bytes(path), self._workers.evidence)
        asked = as_content(read.fingerprint)
        pairs = [Pair(match.content.id, ASKED, match.kind, match.score, match.evidence) for match in matches]
        with self._workspace.catalog.read() as tx:
            clusters = clusters_of(tx, matches, keeper_order(tx, self._queue.policy))
        return [
            Found(
                _member(match),
                sentence(pair, match.content, asked, NAMES),
                _kept_because(match, clusters.get(match.file.file.id)),
            )
            for match, pair in zip(matches, pairs, strict=True)
        ]

    def _current_index(self) -> VectorIndex:
        """The index, opened again if the catalog has changed: opening brings it in line with the catalog."""
        state = self._queue.state
        if self._index is None or self._index[0] != state:
            self._index = state, self._workspace.open_index().index
        return self._index[1]


async def save(body: AsyncIterator[bytes], folder: Path) -> Path:
    """Write the request body to a new file in this folder.

    Raises:
        UsageError: it is longer than any picture.
    """
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        size = 0
        async for piece in body:
            size += len(piece)
            if size > MAX_UPLOAD_BYTES:
                raise UsageError(f"a picture of more than {MAX_UPLOAD_BYTES // 1_000_000} MB cannot be searched for")
            file.write(piece)
    return Path(file.name)


def _kept_because(match: Match, cluster: Cluster | None) -> str:
    if cluster is None or cluster.keeper.file_id != match.file.file.id:
        return ""
    return reasons_in_words(cluster.rules)


def _member(match: Match) -> Member:
    file = match.file.file
    return Member(
        file_id=file.id,
        path=match.file.path,
        root_id=file.root_id,
        content=match.content,
        identity=file.identity,
        kind=match.kind,
        score=match.score,
        evidence=match.evidence,
    )
