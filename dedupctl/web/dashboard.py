"""The state of the library: its size, the backlog, the daemon, and the space saved so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

from dedupctl.catalog.catalog import DAEMON_STATE, Transaction
from dedupctl.domain import FileState, PairKind
from dedupctl.web.queue import Row
from dedupctl.workspace import is_running


@dataclass(frozen=True, slots=True)
class Watch:
    """What the daemon last reported about itself."""

    doing: str
    settling: int
    """Files still being written to."""
    roots: Mapping[str, str]
    """How each root is watched, by the path of the root."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All figures of the dashboard. Times are in seconds since 1970."""

    files: int
    errors: int
    total_bytes: int
    pictures: int
    unmatched: int
    last_scan_at: int | None
    watch: Watch | None
    """None if no daemon is running."""
    saved: Sequence[tuple[str, int]]
    """(ISO day, bytes removed up to the end of that day)."""

    @property
    def line(self) -> str:
        """The savings as points of an SVG line, in a box of 100 by 100 with the origin at the upper left."""
        if not self.saved:
            return ""
        days = [date.fromisoformat(day).toordinal() for day, _ in self.saved]
        span, most = max(1, days[-1] - days[0]), max(1, self.saved[-1][1])
        places = [
            (100 * (day - days[0]) / span, 100 - 100 * size / most)
            for day, (_, size) in zip(days, self.saved, strict=True)
        ]
        steps = ["0,100"]
        for (x, y), before in zip(places, [100.0, *(y for _, y in places)], strict=False):
            steps += [f"{x:.2f},{before:.2f}", f"{x:.2f},{y:.2f}"]
        return " ".join([*steps, f"100,{places[-1][1]:.2f}"])


def by_kind(rows: Iterable[Row]) -> Mapping[PairKind, int]:
    """The bytes that the clusters of each kind would free, if any; strongest promise first."""
    freed: Counter[PairKind] = Counter()
    for row in rows:
        freed[row.kind] += row.reclaimable_bytes
    return {kind: freed[kind] for kind in PairKind if freed[kind]}


def look(tx: Transaction) -> Dashboard:
    counts, last, days = tx.files.count(), tx.runs.last_finished(), tx.journal.saved_by_day()
    sums = accumulate(size for _, size in days)
    return Dashboard(
        files=counts[FileState.PRESENT],
        errors=counts[FileState.ERROR],
        total_bytes=tx.files.total_bytes(),
        pictures=tx.contents.count(),
        unmatched=tx.contents.count_unmatched(),
        last_scan_at=None if last is None else last.finished_at,
        watch=_watch(tx.meta.document(DAEMON_STATE)),
        saved=[(day, total) for (day, _), total in zip(days, sums, strict=True)],
    )


def _watch(state: dict[str, Any] | None) -> Watch | None:
    if state is None or state["doing"] == "stopped" or not is_running(int(state["pid"])):
        return None
    return Watch(state["doing"], state["settling"], state["roots"])
