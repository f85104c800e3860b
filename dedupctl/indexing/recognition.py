"""Which bytes are known without reading them: those of an inode that the catalog knows, or knew a moment ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Identity
from dedupctl.indexing.presence import is_inode_at

MOST_DISPLACED = 200_000
"""Identities remembered at once: some 40 MB. What is forgotten is read again."""


class Before(NamedTuple):
    """What the catalog knows of a path that holds something else now."""

    file_id: int
    identity: Identity


class Recognised(NamedTuple):
    content_id: int
    moved_from: tuple[int, ...]
    """The files that held these bytes before and do no longer; none if this is one more hard link."""


class Recognition:
    """Knows moved files by their inodes, also where two changed places: the first of them to be written takes the other
    one's identity from the catalog, so what a path held before is remembered here. For one visit, or one set of hints.
    """

    def __init__(self) -> None:
        self._displaced: dict[tuple[int, ...], tuple[int, int]] = {}

    def recognise(
        self, tx: Transaction, met: Mapping[bytes, tuple[Identity, Before | None]]
    ) -> dict[bytes, Recognised]:
        """What is known of the bytes at these paths; what must be read is left out."""
        held = tx.files.contents_held([before.file_id for _, before in met.values() if before is not None])
        for _, before in met.values():
            if before is not None and before.file_id in held and len(self._displaced) < MOST_DISPLACED:
                self._displaced[before.identity[:4]] = held[before.file_id], before.file_id
        moved = {path: identity for path, (identity, before) in met.items() if _may_have_moved(identity, before)}
        by_inode = tx.files.with_inodes(set(moved.values()))
        found: dict[bytes, Recognised] = {}
        for path, (identity, before) in met.items():
            if before is not None and _is_renumbered(identity, before) and before.file_id in held:
                found[path] = Recognised(held[before.file_id], ())
            elif path in moved:
                twins = by_inode[identity]
                contents = {twin.file.content_id for twin in twins}
                if len(contents) == 1 and (content_id := contents.pop()) is not None:
                    linked = any(is_inode_at(twin.path, identity) for twin in twins)
                    found[path] = Recognised(content_id, () if linked else tuple(twin.file.id for twin in twins))
                elif not contents and identity[:4] in self._displaced:
                    content_id, file_id = self._displaced[identity[:4]]
                    found[path] = Recognised(content_id, (file_id,))
        return found


def _may_have_moved(identity: Identity, before: Before | None) -> bool:
    """What is written in place keeps its inode, and must be read."""
    return before is None or identity[:2] != before.identity[:2]


def _is_renumbered(identity: Identity, before: Before) -> bool:
    """The same file on a disk that came back under another device number, as a mount below a root does."""
    return identity[1:] == before.identity[1:] and identity.device != before.identity.device
