"""The queue: a summary of every cluster, ordered by the space it would free, and rebuilt in the background.

Clusters are derived from all pairs, which takes seconds in a large library. So a page reads the queue, which may be
seconds old, and loads the few clusters that it shows from the catalog, which is always current.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.data_version import DataVersion
from dedupctl.config import TIDY, PolicyConfig
from dedupctl.domain import Cluster, PairKind
from dedupctl.matching.clusters import DUPLICATE_KINDS, find_clusters
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.report.wording import date_of

Key: TypeAlias = tuple[int, bool, int]
"""(minus the bytes it would free, similar, id): orders the queue, and is unique to a row."""

LOOK_SECONDS = 1.0
"""Seconds between two checks whether the catalog has changed."""
REST = 10
"""The pause after a rebuild, as a multiple of the time it took: a scan of several hours changes the catalog all the
time, and must not make the page slow."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cluster of the queue."""

    id: int
    similar: bool
    """Other shots of one scene; nothing in it may be removed."""
    kind: PairKind
    """The weakest kind in the cluster."""
    kinds: frozenset[PairKind]
    """The kinds of all its files but the keeper: a cluster of weaker kinds may contain an exact copy."""
    reclaimable_bytes: int
    contents: frozenset[int]
    roots: frozenset[int]
    largest: int
    """Size of its largest file in bytes."""
    first_date: str
    last_date: str
    """ISO days on which its first and last pictures were taken, or else modified."""

    @property
    def key(self) -> Key:
        return -self.reclaimable_bytes, self.similar, self.id


@dataclass(frozen=True, slots=True)
class Wanted:
    """The part of the queue that a person wants to see."""

    kinds: frozenset[PairKind] = frozenset(DUPLICATE_KINDS)
    root: int | None = None
    min_bytes: int = 0
    since: str = ""
    until: str = ""
    """ISO days, both inclusive; empty means no limit."""

    def fits(self, row: Row) -> bool:
        return (
            not row.kinds.isdisjoint(self.kinds)
            and (self.root is None or self.root in row.roots)
            and row.largest >= self.min_bytes
            and (not self.since or row.last_date >= self.since)
            and (not self.until or row.first_date <= self.until)
        )


@dataclass(frozen=True)
class Snapshot:
    """The queue at one moment."""

    version: int
    """Increases with every change; 0 means not built yet."""
    rows: Sequence[Row] = ()
    """Sorted by key."""
    _chosen: dict[Wanted, Sequence[Row]] = field(default_factory=dict)

    def choose(self, wanted: Wanted) -> Sequence[Row]:
        """The rows that fit, in order; cached, since every step through the queue needs them again."""
        if wanted not in self._chosen:
            self._chosen[wanted] = [row for row in self.rows if wanted.fits(row)]
        return self._chosen[wanted]

    def page(self, wanted: Wanted, after: Key | None, limit: int) -> Sequence[Row]:
        """The next rows after a key, so that rows added or removed meanwhile do not shift the page."""
        chosen = self.choose(wanted)
        start = 0 if after is None else bisect_right(chosen, after, key=_key)
        return chosen[start : start + limit]

    def position(self, wanted: Wanted, key: Key) -> tuple[int, Row | None, Row | None]:
        """(number of rows before the key, the last of them, the first row after the key)."""
        chosen = self.choose(wanted)
        before, behind = bisect_left(chosen, key, key=_key), bisect_right(chosen, key, key=_key)
        return (
            before,
            chosen[before - 1] if before else None,
            chosen[behind] if behind < len(chosen) else None,
        )

    def with_clusters(self, contents: Collection[int], found: Iterable[Row], *, similar: bool = False) -> Snapshot:
        """The same queue, with these rows in place of all rows (duplicates, or other shots) with these contents."""
        gone = frozenset(contents)
        kept = [row for row in self.rows if row.similar is not similar or gone.isdisjoint(row.contents)]
        return Snapshot(self.version + 1, tuple(sorted([*kept, *found], key=_key)))


class Queue:
    """The current snapshot, and the thread that keeps it current."""

    def __init__(self, catalog: Catalog, policy: PolicyConfig = TIDY) -> None:
        self._catalog = catalog
        self.policy = policy
        """The policy whose keepers are shown."""
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="queue", daemon=True)
        self.snapshot = Snapshot(0)
        self._changes = 0

    @property
    def state(self) -> str:
        """A text that changes whenever the queue changes or anybody writes to the catalog."""
        return f"{self.snapshot.version}.{self._changes}"

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def rebuild(self) -> None:
        """Read all clusters again."""
        with self._changing:
            with self._catalog.read() as tx:
                rows = [row for similar in (False, True) for row in self._rows(tx, None, similar=similar)]
            self.snapshot = Snapshot(self.snapshot.version + 1, tuple(sorted(rows, key=_key)))

    def refresh(self, content_ids: Collection[int]) -> None:
        """Read again only the clusters that these contents are or were in: those that a step on the page changes."""
        with self._changing:
            snapshot = self.snapshot
            with self._catalog.read() as tx:
                for similar in (False, True):
                    changed, found = self._read_around(tx, frozenset(content_ids), similar=similar)
                    snapshot = snapshot.with_clusters(changed, found, similar=similar)
            self.snapshot = snapshot

    def _read_around(
        self, tx: Transaction, content_ids: frozenset[int], *, similar: bool
    ) -> tuple[frozenset[int], list[Row]]:
        """All contents of the clusters that these contents are or were in, and those clusters as they are now.

        Duplicates and other shots are read separately. A cluster may contain contents of rows that were not asked for,
        which would be dropped without being read again. So this continues until every such row has been read.
        """
        before = [row for row in self.snapshot.rows if row.similar is similar]
        touched = _with_all_of(before, content_ids)
        while True:
            found = self._rows(tx, touched, similar=similar)
            changed = touched.union(*(row.contents for row in found))
            wider = _with_all_of(before, changed)
            if wider == changed:
                return changed, found
            touched = wider

    def _rows(self, tx: Transaction, around: Collection[int] | None, *, similar: bool) -> list[Row]:
        kinds = (PairKind.SIMILAR,) if similar else DUPLICATE_KINDS
        found = find_clusters(tx, kinds=kinds, around=around, order=keeper_order(tx, self.policy))
        return [_row(cluster, similar=similar) for cluster in found]

    def _follow(self) -> None:
        version = DataVersion(self._catalog.path)
        try:
            built, heard, due = None, None, 0.0
            while True:
                current = version.current()
                self._changes += current != heard
                heard = current
                started = time.monotonic()
                if current != built and started >= due:
                    self.rebuild()
                    ended = time.monotonic()
                    built, due = current, ended + REST * (ended - started)
                if self._stop.wait(LOOK_SECONDS):
                    return
        finally:
            version.close()


def _key(row: Row) -> Key:
    return row.key


def _with_all_of(rows: Iterable[Row], contents: frozenset[int]) -> frozenset[int]:
    """These contents, and all contents of the rows that contain one of them."""
    return contents.union(*(row.contents for row in rows if not row.contents.isdisjoint(contents)))


def _row(cluster: Cluster, *, similar: bool) -> Row:
    dates = sorted(date_of(member)[0][:10] for member in cluster.members)
    return Row(
        id=cluster.id,
        similar=similar,
        kind=PairKind.SIMILAR if similar else cluster.kind,
        kinds=frozenset((PairKind.SIMILAR,) if similar else (member.kind for member in cluster.members[1:])),
        reclaimable_bytes=cluster.reclaimable_bytes,
        contents=frozenset(member.content.id for member in cluster.members),
        roots=frozenset(member.root_id for member in cluster.members),
        largest=max(member.identity.size for member in cluster.members),
        first_date=dates[0],
        last_date=dates[-1],
    )
