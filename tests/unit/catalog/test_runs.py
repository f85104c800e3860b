from __future__ import annotations

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.runs import Run, Visit
from dedupctl.domain import ScanSummary


def test_the_last_visit_is_the_last_that_was_finished(catalog: Catalog) -> None:
    summary = ScanSummary(seen=3, new=1, changed=1, unchanged=1, moved=2, gone=4, errors=1, seconds={"read": 0.5})
    with catalog.write() as tx:
        assert tx.runs.last_finished() is None
        tx.runs.finish(tx.runs.start(at=10), at=20, summary=ScanSummary())
        tx.runs.finish(tx.runs.start(at=30), at=40, summary=summary)
        tx.runs.start(at=50)

    with catalog.read() as tx:
        assert tx.runs.last_finished() == Run(30, 40, summary)


def test_each_root_remembers_its_own_last_visit(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.runs.remember_visit(1, 10, ScanSummary(seen=1))
        tx.runs.remember_visit(2, 20, ScanSummary(seen=2))
        tx.runs.remember_visit(1, 30, ScanSummary(seen=3, seconds={"read": 0.5}))
        assert tx.runs.last_visit(1) == Visit(30, ScanSummary(seen=3, seconds={"read": 0.5}))
        assert tx.runs.last_visit(2) == Visit(20, ScanSummary(seen=2))
        assert tx.runs.last_visit(3) is None
        assert tx.runs.last_finished() is None
