"""The end of a picture comes only after its time, and only where a copy stands that was read in this very run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, quarantined, tree

from dedupctl.disk.steps import Step
from dedupctl.domain import Verdict

RETENTION = 30 * 86_400


@pytest.fixture
def keeper(library: LivingLibrary, root: Path) -> Path:
    """Of a near copy that waits in the quarantine."""
    (root / "a.jpg").write_bytes(picture(1))
    (root / "b copy.jpg").write_bytes(picture(1, 1))
    library.scan()
    assert library.apply(library.plan(TIDY_ALL.model_copy(update={"keep": ("name",)}))).removed == 1
    return root / "a.jpg"


def refusal(library: LivingLibrary, root: Path) -> str:
    (outcome,) = library.purge()
    assert not outcome.done
    assert len(quarantined(root)) == 1
    return str(outcome.reason)


def test_nothing_ends_before_its_time(library: LivingLibrary, root: Path, keeper: Path) -> None:
    library.now += RETENTION - 1
    assert library.purge(at_once=False) == []
    library.now += 1
    assert [one.done for one in library.purge(at_once=False)] == [True]
    assert quarantined(root) == []
    assert keeper.exists()
    assert library.restore_all() == []


def test_without_the_kept_copy_it_stays(library: LivingLibrary, root: Path, keeper: Path) -> None:
    keeper.unlink()
    assert refusal(library, root) == "no verified copy of it is left outside the quarantine"


def test_a_kept_copy_with_other_bytes_does_not_count(library: LivingLibrary, root: Path, keeper: Path) -> None:
    times = keeper.stat()
    keeper.write_bytes(picture(8))
    os.utime(keeper, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "no verified copy" in refusal(library, root)


def test_another_file_of_the_same_content_counts(library: LivingLibrary, root: Path, keeper: Path) -> None:
    keeper.rename(root / "renamed.jpg")
    library.scan()
    assert [one.done for one in library.purge()] == [True]


def test_a_kept_copy_that_waits_in_a_quarantine_itself_does_not_count(
    library: LivingLibrary, root: Path, keeper: Path
) -> None:
    quarantine = quarantined(root)[0].parent
    keeper.rename(quarantine / "a.jpg")
    library.scan()
    assert [one.done for one in library.purge()] == [False]


def test_a_quarantine_seen_under_another_path_is_no_copy(library: LivingLibrary, root: Path, keeper: Path) -> None:
    """A bind mount shows the files of the quarantine a second time, with the same device and inode numbers."""
    second = library.add_root("second")
    (second / "bind mount").mkdir()
    for waiting in quarantined(root):
        os.link(waiting, second / "bind mount" / waiting.name)
    keeper.unlink()
    library.scan()
    (outcome,) = library.purge()
    assert not outcome.done
    assert outcome.reason == "no verified copy of it is left outside the quarantine"
    assert len(quarantined(root)) == 1


def test_two_that_wait_do_not_vouch_for_each_other_through_a_bind_mount(library: LivingLibrary, root: Path) -> None:
    second = library.add_root("second")
    for name in ("a.jpg", "a copy.jpg", "another copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    assert library.apply(library.plan()).removed == 2
    for waiting in quarantined(root):
        os.link(waiting, second / waiting.name)
    (root / "a.jpg").unlink()
    library.scan()
    assert [one.done for one in library.purge()] == [False, False]
    assert len(quarantined(root)) == 2


@pytest.mark.parametrize("when", [None, Step.CHECKED])
def test_a_verdict_different_keeps_it_also_while_the_copies_are_read(
    library: LivingLibrary, root: Path, keeper: Path, when: Step | None
) -> None:
    def say() -> None:
        library.say(picture(1), picture(1, 1), Verdict.DIFFERENT)

    if when is None:
        say()
    (outcome,) = library.purge(steps=lambda step: say() if step is when else None)
    assert not outcome.done
    assert len(quarantined(root)) == 1
    assert keeper.exists()


def test_a_protection_given_since_keeps_it(library: LivingLibrary, root: Path, keeper: Path) -> None:
    library.protect(keeper.with_name("b copy.jpg"))
    assert refusal(library, root) == "it has been protected since"


def test_an_offline_root_keeps_it(library: LivingLibrary, root: Path, keeper: Path) -> None:
    assert keeper.exists()
    root.rename(library.base / "away")
    (outcome,) = library.purge()
    assert "offline" in str(outcome.reason)
    (library.base / "away").rename(root)
    assert len(quarantined(root)) == 1


def test_what_somebody_put_in_its_place_is_not_ended(library: LivingLibrary, root: Path, keeper: Path) -> None:
    waiting = quarantined(root)[0]
    waiting.unlink()
    waiting.write_bytes(picture(9))
    assert refusal(library, root) == "it is not the file that was removed any more"
    assert keeper.exists()


def test_a_file_that_takes_its_place_at_the_last_moment_is_not_ended(
    library: LivingLibrary, root: Path, keeper: Path
) -> None:
    waiting = quarantined(root)[0]

    def swap(step: Step) -> None:
        if step is Step.UNLINKING:
            waiting.rename(library.base / "taken out.jpg")
            waiting.write_bytes(picture(9))

    (outcome,) = library.purge(steps=swap)

    assert not outcome.done
    assert waiting.read_bytes() == picture(9)
    assert (library.base / "taken out.jpg").exists()
    assert keeper.exists()


def test_a_quarantine_removed_by_hand_is_no_error_twice(library: LivingLibrary, root: Path, keeper: Path) -> None:
    quarantined(root)[0].unlink()
    assert [one.reason for one in library.purge()] == ["it is not in the quarantine any more"]
    assert library.purge() == []
    assert keeper.exists()


@pytest.mark.parametrize("action", ["trash", "move-to"])
def test_what_went_elsewhere_is_not_ours_to_end(
    library: LivingLibrary, root: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(library.base / "data"))
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    target = library.base / "target" if action == "move-to" else None
    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": action, "move_to": target})))
    assert library.purge() == []
    assert len(library.restore_all()) == 1
    assert len(tree(root)) == 2


def test_a_copy_that_was_thrown_into_a_bin_since_does_not_count(
    library: LivingLibrary, root: Path, keeper: Path
) -> None:
    (root / "#recycle").mkdir()
    keeper.rename(root / "#recycle" / keeper.name)
    library.scan()
    assert refusal(library, root) == "no verified copy of it is left outside the quarantine"
