"""Which roots are watched and in which state, regularly brought in line with the catalog and the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dedupctl.catalog.catalog import Catalog
from dedupctl.daemon.watcher import Watcher
from dedupctl.domain import Root
from dedupctl.indexing.roots import present


@dataclass(frozen=True, slots=True)
class RootState:
    root: Root
    offline: str | None = None
    """The reason why the root is offline; None if it is online."""


class WatchedRoots:
    """The roots in the catalog, each watched while it is online."""

    def __init__(self, catalog: Catalog, watcher: Watcher, say: Callable[[str], None]) -> None:
        self._catalog = catalog
        self._watcher = watcher
        self._say = say
        self._states: dict[int, RootState] = {}

    @property
    def states(self) -> list[RootState]:
        return list(self._states.values())

    def online(self) -> list[Root]:
        return [state.root for state in self._states.values() if state.offline is None]

    def check(self) -> list[Root]:
        """Bring the watches in line with the known roots; returns those that have come (back) online."""
        with self._catalog.read() as tx:
            wanted = {root.id: root for root in tx.roots.all()}
        for root_id in self._states.keys() - wanted.keys():
            self._watcher.unwatch(self._states.pop(root_id).root.path)
        return [root for stored in wanted.values() if (root := self._check(stored)) is not None]

    def went_offline(self, root: Root, reason: str) -> None:
        before = self._states.get(root.id)
        if before is None or before.offline is None:
            self._say(f"{os.fsdecode(root.path)} is offline, its pictures stay known: {reason}")
            self._watcher.unwatch(root.path)
        self._states[root.id] = RootState(root, offline=reason)

    def lost(self, reasons: Mapping[bytes, str]) -> None:
        """These roots are no longer watched. The next check watches those again that are online."""
        for path, reason in reasons.items():
            self._say(f"{os.fsdecode(path)} will be watched again" + (f": {reason}" if reason else ""))
        # This includes a root that is already back, because its watch ended with it.
        self._states = {key: state for key, state in self._states.items() if state.root.path not in reasons}

    def _check(self, stored: Root) -> Root | None:
        before = self._states.get(stored.id)
        try:
            root, reason = present(self._catalog, stored)
        except OSError as error:  # it went offline between two checks
            root, reason = stored, error.strerror or str(error)
        if reason is not None:
            self.went_offline(root, reason)
            return None
        if before is not None and before.offline is None:
            return None
        return root if self._watch(root) else None

    def _watch(self, root: Root) -> bool:
        try:
            health = self._watcher.watch(root.path)
        except OSError as error:
            self.went_offline(root, error.strerror or str(error))
            return False
        self._states[root.id] = RootState(root)
        shown = os.fsdecode(root.path)
        self._say(f"watching {shown}" + (f", by polling: {health.reason}" if health.polled else ""))
        return True
