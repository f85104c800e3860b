"""The pipeline while nothing needs to be read: it can be stopped, it is heard, and what it notes is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rendered_library import drawn

from dedupctl.catalog.files import Sighting
from dedupctl.domain import FileState, Identity, Root, Unreadable
from dedupctl.indexing import pipeline as module
from dedupctl.indexing.findings import Finding, Gone, Unchanged, Unread
from dedupctl.indexing.pipeline import Listeners, Pipeline, Progress
from dedupctl.indexing.pool import Batch
from dedupctl.indexing.roots import scan_targets
from dedupctl.indexing.visit import visit_targets
from dedupctl.indexing.workers import Workers
from dedupctl.indexing.writer import Writer
from dedupctl.matching import matcher
from dedupctl.matching.comparison import Case
from dedupctl.workspace import Workspace

FILES = 3 * module.WRITE_AT


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        yield workspace


@pytest.fixture
def root(workspace: Workspace) -> Root:
    """A root with `FILES` files, as a scan before this one left them."""
    with workspace.catalog.write() as tx:
        root = tx.roots.add(b"/photos", device=1, marker=None)
        tx.files.record([sighting(root, number) for number in range(FILES)])
    return root


def sighting(root: Root, number: int) -> Sighting:
    return Sighting(root.id, b"%d.jpg" % number, Identity(1, number, 1, 1, 1), Unreadable("corrupt", "for the test"))


def run(workspace: Workspace, findings: Iterator[Finding], listeners: Listeners) -> int:
    """How many files the run has seen."""
    with closing(Workers(workspace.config, workspace.catalog.path)) as workers:
        return Pipeline(workspace, workspace.open_index().index, workers, listeners).run(findings).seen


def test_a_walk_over_unchanged_files_is_heard_and_can_be_stopped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.0)
    told: list[int] = []

    def hear(progress: Progress) -> None:
        told.append(progress.found)

    def endless() -> Iterator[Finding]:
        while True:
            yield Unchanged(1)

    seen = run(workspace, endless(), Listeners(progress=hear, is_stopped=lambda: len(told) >= 50))
    assert told == list(range(50))
    assert seen == 50


def test_what_a_long_walk_notes_is_written_while_it_goes_on(workspace: Workspace, root: Root) -> None:
    with workspace.catalog.read() as tx:
        file_ids = [known.file_id for known in tx.files.in_folder(root.id, b"").values()]
    gone_meanwhile = []

    def vanishing() -> Iterator[Finding]:
        for file_id in file_ids:
            yield Gone((file_id,))
            with workspace.catalog.read() as tx:
                gone_meanwhile.append(tx.files.count()[FileState.GONE])

    run(workspace, vanishing(), Listeners())
    assert max(gone_meanwhile) >= FILES - module.WRITE_AT
    with workspace.catalog.read() as tx:
        assert tx.files.count()[FileState.GONE] == FILES


def test_files_of_a_root_that_was_removed_meanwhile_are_dropped(workspace: Workspace, root: Root) -> None:
    writer = Writer(workspace, workspace.open_index().index)
    with workspace.catalog.write() as tx:
        other = tx.roots.add(b"/other", device=1, marker=None)
        tx.roots.remove(root.id)
    for each in (root, other):
        found = sighting(each, 1)
        path = os.path.join(each.path, found.path)
        writer.took(Unread(each.id, found.path, path, found.identity, False), Unreadable("corrupt", "for the test"))
    writer.write()
    with workspace.catalog.read() as tx:
        assert [located.path for located, _ in tx.files.errors()] == [b"/other/1.jpg"]


def test_while_it_is_to_rest_nothing_is_handed_out_and_then_it_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.01)
    path = os.fsencode(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with workspace.catalog.write() as tx:
        root = tx.roots.add(os.fsencode(tmp_path), device=1, marker=None)
    looks: list[int] = []
    handed_out: list[int] = []
    read = Workers.read

    def is_resting() -> bool:
        looks.append(1)
        return len(looks) < 20

    def noted_read(workers: Workers, paths: list[bytes]) -> object:
        handed_out.append(len(looks))
        return read(workers, paths)

    monkeypatch.setattr(Workers, "read", noted_read)
    findings = iter([Unread(root.id, b"a.jpg", path, Identity.of(os.stat(path)), known=False)])
    assert run(workspace, findings, Listeners(is_resting=is_resting)) == 1
    assert handed_out == [20]
    assert len(looks) >= 20


def test_it_is_told_what_each_batch_cost(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with workspace.catalog.write() as tx:
        root = tx.roots.add(os.fsencode(tmp_path), device=1, marker=None)
    path = os.fsencode(tmp_path / "a.jpg")
    costs: list[float] = []
    findings = iter([Unread(root.id, b"a.jpg", path, Identity.of(os.stat(path)), known=False)])
    run(workspace, findings, Listeners(spent=costs.append))
    assert len(costs) == 1


class NotingWorkers(Workers):
    """Notes how many cases were handed out at a time."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.portions: list[int] = []

    def judge(self, cases: Sequence[Case]) -> Future[Batch]:
        self.portions.append(len(cases))
        return super().judge(cases)


def test_a_round_is_judged_in_portions_and_its_progress_counts_comparisons(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matcher, "PORTION_SECONDS", 0.05)
    photos = tmp_path / "photos"
    photos.mkdir()
    for quality in range(70, 94, 4):
        drawn(1, 320, 240).save(photos / f"{quality}.jpg", quality=quality)
    told: list[Progress] = []
    with closing(NotingWorkers(workspace.config, workspace.catalog.path)) as workers:
        listeners = Listeners(progress=lambda progress: told.append(replace(progress)))
        pipeline = Pipeline(workspace, workspace.open_index().index, workers, listeners)
        visit_targets(workspace, pipeline, scan_targets(workspace.catalog, [os.fsencode(photos)]), lambda *_: None)
    with workspace.catalog.read() as tx:
        assert len(list(tx.pairs.all())) == 15
        assert tx.contents.count_unmatched() == 0
    assert len(workers.portions) > 3
    assert sum(workers.portions) == 15
    assert (told[-1].compared, told[-1].to_compare) == (15, 15)
    assert {progress.compared for progress in told} > {0, 15}
