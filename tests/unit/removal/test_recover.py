"""What was cut off is settled by looking at the disk; see the crash tests for every step of every operation."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, picture, quarantined, tree

from dedupctl.disk.steps import Step, Steps
from dedupctl.domain import EntryState, JournalEntry
from dedupctl.errors import DedupctlError, LockHeld
from dedupctl.removal import recover
from dedupctl.removal.destinations import AWAY
from dedupctl.removal.recover import acting


class Died(BaseException):
    """As if by SIGKILL."""


def dying_at(wanted: Step) -> Steps:
    def step(now: Step) -> None:
        if now is wanted:
            raise Died

    return step


@pytest.fixture
def victim(library: LivingLibrary, root: Path) -> Path:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    return root / "a copy.jpg"


def cut_off(operation: Callable[[Steps], object], at: Step) -> None:
    with pytest.raises(Died):
        operation(dying_at(at))


@pytest.mark.parametrize(
    ("step", "state"),
    [
        (Step.INTENDED, EntryState.FAILED),
        (Step.PREPARED, EntryState.FAILED),
        (Step.MOVING, EntryState.FAILED),
        (Step.RENAMED, EntryState.DONE),
        (Step.SYNCED, EntryState.DONE),
    ],
)
def test_a_removal_is_what_the_disk_says(
    library: LivingLibrary, root: Path, victim: Path, step: Step, state: EntryState
) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), step)
    assert [one.state for one in library.recover()] == [state]
    assert victim.exists() == (state is EntryState.FAILED)
    assert len(quarantined(root)) == (state is EntryState.DONE)
    assert library.recover() == []


def test_before_the_journal_says_so_there_is_nothing_to_settle(library: LivingLibrary, victim: Path) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.CHECKED)
    assert library.recover() == []
    assert victim.exists()


def test_a_removal_whose_keeper_is_gone_is_taken_back(library: LivingLibrary, root: Path, victim: Path) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.SYNCED)
    (root / "a.jpg").unlink()
    (outcome,) = library.recover()
    assert (outcome.state, outcome.where) == (EntryState.FAILED, os.fsencode(victim))
    assert victim.read_bytes() == picture(1)


def test_a_row_of_an_offline_root_waits_until_it_can_be_asked(library: LivingLibrary, root: Path, victim: Path) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.RENAMED)
    root.rename(library.base / "away")
    root.mkdir()
    for _ in range(2):
        (outcome,) = library.recover()
        assert outcome.state is EntryState.INTENDED
        assert "offline" in str(outcome.reason)
    root.rmdir()
    (library.base / "away").rename(root)
    assert [one.state for one in library.recover()] == [EntryState.DONE]
    assert not victim.exists()


@pytest.mark.parametrize("operation", ["apply", "restore"])
def test_what_was_cut_off_on_its_way_to_or_from_a_disk_that_is_away_waits_for_it(
    library: LivingLibrary, victim: Path, operation: str
) -> None:
    disk = library.base / "disk"
    plan = library.plan(EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": disk}))
    if operation == "apply":
        cut_off(lambda steps: library.apply(plan, steps=steps), Step.RENAMED)
    else:
        library.apply(plan)
        cut_off(lambda steps: library.restore_all(steps=steps), Step.INTENDED)
    disk.rename(library.base / "away")

    (outcome,) = library.recover()
    assert outcome.state is EntryState.INTENDED
    assert AWAY in str(outcome.reason)

    (library.base / "away").rename(disk)
    (outcome,) = library.recover()
    assert outcome.state is (EntryState.DONE if operation == "apply" else EntryState.FAILED)
    assert [one.done for one in library.restore_all()] == [True]
    assert victim.read_bytes() == picture(1)


def test_a_file_that_took_the_place_meanwhile_is_not_overwritten(
    library: LivingLibrary, root: Path, victim: Path
) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.RENAMED)
    victim.write_bytes(picture(9))
    library.recover()
    library.restore_all()
    assert sorted(tree(root).values()) == sorted([picture(1), picture(1), picture(9)])
    assert victim.read_bytes() == picture(9)


@pytest.mark.parametrize(("step", "done"), [(Step.INTENDED, False), (Step.MOVING, False), (Step.MOVED, True)])
def test_a_restore_is_what_the_disk_says(library: LivingLibrary, victim: Path, step: Step, done: bool) -> None:
    library.apply(library.plan())
    cut_off(lambda steps: library.restore_all(steps=steps), step)
    assert [one.done for one in library.recover()] == [done]
    assert victim.exists() == done
    assert len(library.restore_all()) == (not done)
    assert victim.exists()


@pytest.mark.parametrize(("step", "done"), [(Step.UNLINKING, False), (Step.ASIDE, False), (Step.UNLINKED, True)])
def test_a_purge_is_what_the_disk_says(
    library: LivingLibrary, root: Path, victim: Path, step: Step, done: bool
) -> None:
    library.apply(library.plan())
    cut_off(lambda steps: library.purge(steps=steps), step)
    assert [one.done for one in library.recover()] == [done]
    assert [path.name for path in quarantined(root)] == ([] if done else [victim.name])
    assert not list(root.rglob(".dedupctl-*"))


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), DedupctlError("the disk failed")])
def test_one_bundle_that_cannot_be_settled_does_not_hold_up_the_others(
    library: LivingLibrary, root: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    for scene in (1, 2):
        (root / f"{scene}.jpg").write_bytes(picture(scene))
        (root / f"{scene} copy.jpg").write_bytes(picture(scene))
    library.scan()
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.INTENDED)
    settle = recover._Recovery.settle

    def fails_at_first(recovery: object, rows: list[JournalEntry]) -> object:
        if rows[0].action.victim.path == b"1 copy.jpg":
            raise failure
        return settle(recovery, rows)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(recover._Recovery, "settle", fails_at_first)
        outcomes = {one.action.victim.path: one for one in library.recover()}
    assert outcomes[b"1 copy.jpg"].state is EntryState.INTENDED
    assert outcomes[b"1 copy.jpg"].reason in ("Input/output error", "the disk failed")
    assert outcomes[b"2 copy.jpg"].state is EntryState.FAILED
    assert [one.state for one in library.recover()] == [EntryState.FAILED]


@pytest.mark.parametrize("part", [".dedupctl", ".dedupctl/quarantine", ".dedupctl/quarantine/1"])
def test_a_link_planted_in_the_way_to_the_quarantine_is_named_and_leads_nothing_astray(
    library: LivingLibrary, root: Path, victim: Path, part: str
) -> None:
    elsewhere = library.base / "elsewhere"

    def plant(step: Step) -> None:
        if step is Step.INTENDED:
            if (root / part).exists():
                (root / part).rename(elsewhere)
            elsewhere.mkdir(exist_ok=True)
            (root / part).parent.mkdir(parents=True, exist_ok=True)
            (root / part).symlink_to(elsewhere)

    (outcome,) = library.apply(library.plan(), steps=plant).refused

    assert outcome.state is EntryState.FAILED
    assert outcome.reason == f"{root / part} is a symbolic link"
    assert library.recover() == []
    assert victim.read_bytes() == picture(1)
    assert [path.name for path in elsewhere.rglob("*") if path.name != "root-id"] == []


@pytest.mark.parametrize("part", [".dedupctl/quarantine", ".dedupctl/quarantine/1"])
def test_a_link_planted_after_the_move_leaves_the_row_open_until_it_is_gone(
    library: LivingLibrary, root: Path, victim: Path, part: str
) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.RENAMED)
    (root / part).rename(library.base / "elsewhere")
    (root / part).symlink_to(library.base / "elsewhere")

    (outcome,) = library.recover()
    assert outcome.state is EntryState.INTENDED
    assert f"{root / part} is a symbolic link" in str(outcome.reason)

    (root / part).unlink()
    (library.base / "elsewhere").rename(root / part)
    assert [one.state for one in library.recover()] == [EntryState.DONE]
    assert not victim.exists()


def test_a_link_made_ready_to_a_keeper_that_was_edited_since_is_tidied_away(
    library: LivingLibrary, root: Path, victim: Path
) -> None:
    plan = library.plan(EXACT_ONLY.model_copy(update={"action": "hardlink"}))
    cut_off(lambda steps: library.apply(plan, steps=steps), Step.PREPARED)
    (root / "a.jpg").write_bytes(b"edited")
    assert [one.state for one in library.recover()] == [EntryState.FAILED]
    assert tree(root) == {"a.jpg": b"edited", victim.name: picture(1)}
    assert not list(root.glob(".dedupctl-*"))


def test_no_empty_folder_behind_a_planted_link_is_tidied_away(library: LivingLibrary, root: Path, victim: Path) -> None:
    elsewhere = library.base / "elsewhere"
    elsewhere.mkdir()
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.INTENDED)
    (root / ".dedupctl/quarantine").mkdir(exist_ok=True)
    for folder in (root / ".dedupctl/quarantine").iterdir():
        folder.rmdir()
    (root / ".dedupctl/quarantine").rmdir()
    (root / ".dedupctl/quarantine").symlink_to(elsewhere)
    (elsewhere / "1").mkdir()

    assert [one.state for one in library.recover()] == [EntryState.FAILED]
    assert (elsewhere / "1").is_dir()
    assert victim.exists()


def test_whoever_acts_has_settled_first_and_is_alone(library: LivingLibrary, victim: Path) -> None:
    cut_off(lambda steps: library.apply(library.plan(), steps=steps), Step.RENAMED)
    with acting(library.home, library.catalog) as settled:
        assert [one.state for one in settled] == [EntryState.DONE]
        with pytest.raises(LockHeld) as refused:
            acting(library.home, library.catalog).__enter__()
    assert refused.value.exit_code == 3
    assert not victim.exists()
    with acting(library.home, library.catalog) as settled:
        assert settled == []
