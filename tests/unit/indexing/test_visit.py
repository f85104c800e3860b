"""What a visit is remembered as: full, of one root, or none at all. Nothing is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest

from dedupctl.domain import Root, ScanSummary
from dedupctl.indexing.findings import Finding
from dedupctl.indexing.pipeline import Pipeline
from dedupctl.indexing.roots import ScanTarget, add_root
from dedupctl.indexing.visit import visit_targets
from dedupctl.workspace import Workspace


class Passing:
    """A pipeline through which findings pass without being read."""

    def __init__(self, was_stopped: bool = False) -> None:
        self.was_stopped = was_stopped

    def beat(self) -> None:
        """Nobody listens."""

    def run(self, findings: Iterable[Finding]) -> ScanSummary:
        return ScanSummary(seen=len(list(findings)))

    def save_index(self) -> None:
        """There is none."""


class Visited:
    def __init__(self, workspace: Workspace, base: Path) -> None:
        self.workspace = workspace
        self.roots: list[Root] = []
        for name in ("one", "two"):
            (base / name / "inner").mkdir(parents=True)
            self.roots.append(add_root(workspace.catalog, os.fsencode(base / name)))

    def visit(self, *targets: ScanTarget, was_stopped: bool = False) -> None:
        visit_targets(self.workspace, cast(Pipeline, Passing(was_stopped)), targets, lambda _root, _why: None)

    def remembered(self) -> tuple[bool, list[bool]]:
        """Whether there was a full visit, and one of each root."""
        with self.workspace.catalog.read() as tx:
            return tx.runs.last_finished() is not None, [tx.runs.last_visit(root.id) is not None for root in self.roots]


@pytest.fixture
def visited(tmp_path: Path) -> Iterator[Visited]:
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        yield Visited(workspace, tmp_path)


def test_only_a_visit_of_every_root_is_a_full_one(visited: Visited) -> None:
    one, two = visited.roots
    visited.visit(ScanTarget(one, b"inner"), ScanTarget(two))
    assert visited.remembered() == (False, [False, True])
    visited.visit(ScanTarget(one))
    assert visited.remembered() == (False, [True, True])
    visited.visit(ScanTarget(one), ScanTarget(two))
    assert visited.remembered() == (True, [True, True])


def test_a_visit_that_was_stopped_is_none(visited: Visited) -> None:
    visited.visit(*map(ScanTarget, visited.roots), was_stopped=True)
    assert visited.remembered() == (False, [False, False])


def test_a_root_that_is_offline_does_not_keep_a_visit_from_being_full_but_was_not_visited(
    visited: Visited, tmp_path: Path
) -> None:
    (tmp_path / "two").rename(tmp_path / "away")
    visited.visit(*map(ScanTarget, visited.roots))
    assert visited.remembered() == (True, [True, False])
