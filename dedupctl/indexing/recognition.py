"""Which content is known without reading it: that of an inode which the catalog knows or knew a moment ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Identity
from dedupctl.indexing.presence import is_inode_at

MOST_DISPLACED = 200_000
"""Identities remembered at once, about 40 MB. Files of forgotten identities are read again."""


class Before(NamedTuple):
    """What the catalog knows of a path whose file has changed."""

    file_id: int
    identity: Identity


class Recognised(NamedTuple):
    content_id: int
    moved_from: tuple[int, ...]
    """The files that no longer hold this content; empty if this is an additional hard link."""


class Recognition:
    """Recognises moved files by their inodes, even if two files swapped paths. Writing the first of them overwrites the
    other's identity in the catalog, so this object remembers what each path held. Use it for one visit or set of hints.
    """

    def __init__(self) -> None:
        self._displaced: dict[tuple[int, ...], tuple[int, int]] = {}

    def recognise(
        self, tx: Transaction, met: Mapping[bytes, tuple[Identity, Before | None]]
    ) -> dict[bytes, Recognised]:
        """The known content at these paths. Paths that must be read are left out."""
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
    """A file written in place keeps its inode and must be read."""
    return before is None or identity[:2] != before.identity[:2]


def _is_renumbered(identity: Identity, before: Before) -> bool:
    """The same file on a disk that was remounted with another device number, such as a mount below a root."""
    return identity[1:] == before.identity[1:] and identity.device != before.identity.device
