"""Runs: the full scans of all roots, when they ran and what they found."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import meta, runs
from dedupctl.domain import ScanSummary


@dataclass(frozen=True, slots=True)
class Run:
    """One full scan. Times are seconds since 1970; `summary` is None while it runs or if it was interrupted."""

    started_at: int
    finished_at: int | None
    summary: ScanSummary | None


@dataclass(frozen=True, slots=True)
class Visit:
    """The scan of one root as part of any scan; `finished_at` is in seconds since 1970."""

    finished_at: int
    summary: ScanSummary


VISITED = "visited:"
"""Prefix of meta keys, followed by a root's id. Ids are never reused, so the key of a removed root does no harm."""


class Runs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, at: int) -> int:
        return int(self._connection.execute(insert(runs).values(started_at=at).returning(runs.c.id)).scalar_one())

    def finish(self, run_id: int, at: int, summary: ScanSummary) -> None:
        text = json.dumps(dataclasses.asdict(summary))
        self._connection.execute(update(runs).where(runs.c.id == run_id).values(finished_at=at, summary=text))

    def remember_visit(self, root_id: int, at: int, summary: ScanSummary) -> None:
        """Record that this root was scanned completely; `summary` is that of the whole scan."""
        value = json.dumps({"finished_at": at, "summary": dataclasses.asdict(summary)})
        row = upsert(meta).values(key=f"{VISITED}{root_id}", value=value)
        self._connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

    def last_visit(self, root_id: int) -> Visit | None:
        """The last complete scan of this root; None if there was none."""
        value = self._connection.execute(select(meta.c.value).where(meta.c.key == f"{VISITED}{root_id}")).scalar()
        if value is None:
            return None
        found = json.loads(value)
        return Visit(found["finished_at"], ScanSummary(**found["summary"]))

    def last_finished(self) -> Run | None:
        query = select(runs).where(runs.c.finished_at.is_not(None)).order_by(runs.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _run(row)


def summary_from_json(text: str) -> ScanSummary:
    """The summary of a scan as stored.

    Raises:
        ValueError, TypeError: the text was not written by this program.
    """
    return ScanSummary(**json.loads(text))


@decodes_rows_of("runs")
def _run(row: Row[Any]) -> Run:
    return Run(row.started_at, row.finished_at, summary_from_json(row.summary))
