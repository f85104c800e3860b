"""Runs: when the roots were last visited as a whole, and what was found."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dedupctl.catalog.legible import legible
from dedupctl.catalog.schema import runs
from dedupctl.domain import ScanSummary


@dataclass(frozen=True, slots=True)
class Run:
    """One full visit; times are seconds since 1970. `summary` is None while it runs or when it was cut short."""

    started_at: int
    finished_at: int | None
    summary: ScanSummary | None


class Runs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, at: int) -> int:
        return int(self._connection.execute(insert(runs).values(started_at=at).returning(runs.c.id)).scalar_one())

    def finish(self, run_id: int, at: int, summary: ScanSummary) -> None:
        text = json.dumps(dataclasses.asdict(summary))
        self._connection.execute(update(runs).where(runs.c.id == run_id).values(finished_at=at, summary=text))

    def last_finished(self) -> Run | None:
        query = select(runs).where(runs.c.finished_at.is_not(None)).order_by(runs.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _run(row)


def summary_from_json(text: str) -> ScanSummary:
    """What a visit found, as it was kept; raises ValueError or TypeError where nothing here has written it."""
    return ScanSummary(**json.loads(text))


@legible("runs")
def _run(row: Row[Any]) -> Run:
    return Run(row.started_at, row.finished_at, summary_from_json(row.summary))
