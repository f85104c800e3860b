"""What the workers may hold together follows from the machine, from the control group around them, and the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from dedupctl.config import ScanConfig
from dedupctl.indexing import budget as module
from dedupctl.indexing.budget import MEGABYTE, available_memory, budget_of

GIGABYTE = 1024 * MEGABYTE


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control group of this process, inside another one."""
    inner = tmp_path / "user.slice" / "dedupctl.service"
    inner.mkdir(parents=True)
    monkeypatch.setattr(module, "_own_groups", lambda: [inner, inner.parent])
    return inner


def test_half_of_the_memory_is_for_the_workers() -> None:
    assert budget_of(ScanConfig(), memory=16 * GIGABYTE).total == 8 * GIGABYTE


def test_one_picture_never_takes_more_than_all_may() -> None:
    assert budget_of(ScanConfig(), memory=16 * GIGABYTE).largest == 2 * GIGABYTE
    assert budget_of(ScanConfig(), memory=2 * GIGABYTE).largest == 1 * GIGABYTE
    assert budget_of(ScanConfig(memory_mb=700)).largest == 700 * MEGABYTE


def test_where_memory_is_scarce_fewer_workers_run() -> None:
    assert budget_of(ScanConfig(), memory=1 * GIGABYTE).workers == 1
    assert budget_of(ScanConfig(), memory=4 * GIGABYTE).workers == 4
    assert budget_of(ScanConfig(), memory=256 * MEGABYTE).workers == 1


def test_a_control_group_counts_as_the_machine(group: Path) -> None:
    machine = available_memory()
    (group / "memory.max").write_text("max\n")
    assert available_memory() == machine
    (group / "memory.max").write_text(f"{400 * MEGABYTE}\n")
    assert available_memory() == 400 * MEGABYTE
    (group / "memory.high").write_text(f"{300 * MEGABYTE}\n")
    assert available_memory() == 300 * MEGABYTE
    (group.parent / "memory.max").write_text(f"{200 * MEGABYTE}\n")
    assert available_memory() == 200 * MEGABYTE
