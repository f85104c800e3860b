"""Files that must stay because a link made by dedupctl points to them."""

from __future__ import annotations

import os

from dedupctl.catalog.catalog import Transaction
from dedupctl.paths import join
from dedupctl.policy.guards import offline_reason


class LinkTargets:
    """The targets of links that dedupctl put in place of removed copies; moving a target would break its link."""

    def __init__(self, tx: Transaction) -> None:
        offline: dict[bytes, bool] = {}
        self._link_to: dict[bytes, bytes] = {}
        for root, path, target in tx.journal.links():
            if root not in offline:
                offline[root] = offline_reason(tx, root) is not None
            # A link on an offline disk cannot be checked, so it counts as still there.
            if offline[root] or _points_to(join(root, path), target):
                self._link_to[target] = join(root, path)

    def on(self, path: bytes) -> str | None:
        """Why the file at this absolute path must stay, in words; None if no link points to it."""
        link = self._link_to.get(path)
        return None if link is None else f"{os.fsdecode(link)} is a link to it, in place of a removed copy"


def _points_to(place: bytes, target: bytes) -> bool:
    try:
        return os.readlink(place) == target
    except OSError:
        return False
