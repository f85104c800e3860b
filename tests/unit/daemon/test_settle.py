from __future__ import annotations

import pytest

from dedupctl.daemon.settle import Settler


class Disk:
    """Files by path and a clock: what the settler looks at."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.files: dict[bytes, tuple[int, int]] = {}
        self.looked_at: list[bytes] = []

    def clock(self) -> float:
        return self.now

    def stat(self, path: bytes) -> tuple[int, int] | None:
        self.looked_at.append(path)
        return self.files.get(path)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def settler(disk: Disk) -> Settler:
    return Settler(2.0, disk.clock, patience_seconds=60.0, capacity=3)


def test_a_quiet_file_is_ready_after_the_quiet_time_and_not_before(settler: Settler, disk: Disk) -> None:
    disk.files[b"/a"] = (10, 1)
    settler.saw(b"/a")
    assert settler.due(disk.stat) == []
    disk.now += 1.9
    assert settler.due(disk.stat) == []
    disk.now += 0.2
    assert settler.due(disk.stat) == [b"/a"]
    assert len(settler) == 0


@pytest.mark.parametrize("changed", [(11, 1), (10, 2)], ids=["size", "mtime"])
def test_a_change_of_size_or_mtime_starts_the_quiet_time_again(
    settler: Settler, disk: Disk, changed: tuple[int, int]
) -> None:
    disk.files[b"/a"] = (10, 1)
    settler.saw(b"/a")
    settler.due(disk.stat)
    disk.files[b"/a"] = changed
    disk.now += 2.0
    assert settler.due(disk.stat) == []
    disk.now += 2.0
    assert settler.due(disk.stat) == [b"/a"]


def test_a_new_event_starts_the_quiet_time_again_even_if_nothing_shows_in_the_stamp(
    settler: Settler, disk: Disk
) -> None:
    disk.files[b"/a"] = (10, 1)
    settler.saw(b"/a")
    settler.due(disk.stat)
    disk.now += 1.5
    settler.saw(b"/a")
    disk.now += 1.5
    assert settler.due(disk.stat) == []
    disk.now += 0.5
    assert settler.due(disk.stat) == [b"/a"]


def test_paths_not_yet_due_are_not_looked_at(settler: Settler, disk: Disk) -> None:
    disk.files |= {b"/a": (1, 1), b"/b": (2, 2)}
    settler.saw(b"/a")
    settler.due(disk.stat)
    disk.now += 1.0
    settler.saw(b"/b")
    settler.due(disk.stat)
    disk.now += 1.0
    disk.looked_at.clear()
    assert settler.due(disk.stat) == [b"/a"]
    assert disk.looked_at == [b"/a"]


def test_a_file_that_vanished_is_forgotten(settler: Settler, disk: Disk) -> None:
    settler.saw(b"/gone")
    assert settler.due(disk.stat) == []
    assert len(settler) == 0
    assert settler.next_due() is None


def test_a_ready_file_that_is_touched_again_settles_again(settler: Settler, disk: Disk) -> None:
    disk.files[b"/a"] = (10, 1)
    for _ in range(2):
        settler.saw(b"/a")
        settler.due(disk.stat)
        disk.now += 2.0
        assert settler.due(disk.stat) == [b"/a"]


def test_next_due_names_the_earliest_time_worth_waking_for(settler: Settler, disk: Disk) -> None:
    assert settler.next_due() is None
    disk.files |= {b"/a": (1, 1), b"/b": (2, 2)}
    settler.saw(b"/a")
    assert settler.next_due() == 1000.0
    settler.due(disk.stat)
    disk.now += 1.0
    settler.saw(b"/b")
    settler.due(disk.stat)
    assert settler.next_due() == 1002.0
    settler.saw(b"/a")
    assert settler.next_due() == 1003.0


def test_a_path_that_is_gone_is_let_go_of(settler: Settler, disk: Disk) -> None:
    disk.files[b"/a"] = (1, 1)
    settler.saw(b"/a")
    settler.due(disk.stat)
    del disk.files[b"/a"]
    disk.now += 2.0
    assert settler.due(disk.stat) == []
    assert len(settler) == 0


def test_without_a_quiet_time_a_file_is_ready_at_the_first_look(disk: Disk) -> None:
    settler = Settler(0.0, disk.clock)
    disk.files[b"/a"] = (10, 1)
    settler.saw(b"/a")
    assert settler.due(disk.stat) == [b"/a"]


def test_a_full_settler_refuses_new_paths_and_still_takes_those_it_holds(settler: Settler, disk: Disk) -> None:
    disk.files |= {b"/1": (1, 1), b"/2": (1, 1), b"/3": (1, 1)}
    assert all(settler.saw(path) for path in disk.files)
    assert not settler.saw(b"/4")
    settler.due(disk.stat)
    assert settler.saw(b"/1")
    assert not settler.saw(b"/4")
    assert len(settler) == 3


def test_a_file_written_without_end_is_never_read_and_reported_once(settler: Settler, disk: Disk) -> None:
    settler.saw(b"/video")
    for second in range(59):
        disk.files[b"/video"] = (second, second)
        settler.saw(b"/video")
        assert settler.due(disk.stat) == []
        assert settler.restless() == []
        disk.now += 1.0
    disk.now += 1.0
    assert settler.restless() == [b"/video"]
    assert settler.restless() == []
    disk.files[b"/video"] = (99, 99)
    disk.now += 2.0
    assert settler.due(disk.stat) == []
    assert settler.restless() == []
