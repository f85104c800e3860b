"""Whatever was removed comes back: to its place, or beside it, never over anything."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, picture, quarantined, tree

from dedupctl.disk.steps import Step
from dedupctl.domain import EntryState
from dedupctl.removal import restore as restoring
from dedupctl.removal.destinations import AWAY
from dedupctl.removal.orphans import adopt_orphans
from dedupctl.removal.restore import restorable, restore


@pytest.fixture
def removed(library: LivingLibrary, root: Path) -> Path:
    """`album/a copy.jpg` has been removed; returns where it was."""
    (root / "album").mkdir()
    (root / "a.jpg").write_bytes(picture(1))
    (root / "album" / "a copy.jpg").write_bytes(picture(1))
    library.scan()
    library.apply(library.plan())
    return root / "album" / "a copy.jpg"


def test_it_comes_back_to_its_place_and_leaves_no_empty_folders(
    library: LivingLibrary, root: Path, removed: Path
) -> None:
    (outcome,) = library.restore_all()
    assert (outcome.done, outcome.where, outcome.reason) == (True, os.fsencode(removed), None)
    assert removed.read_bytes() == picture(1)
    assert list((root / ".dedupctl" / "quarantine").rglob("*")) == []
    assert library.restore_all() == []


def test_a_folder_that_is_gone_is_made_again(library: LivingLibrary, removed: Path) -> None:
    removed.parent.rmdir()
    assert library.restore_all()[0].done
    assert removed.exists()


def test_nobody_else_can_read_what_is_away_and_its_folder_comes_back_as_it_was(
    library: LivingLibrary, root: Path
) -> None:
    before = os.umask(0)
    try:
        secret = root / "secret"
        secret.mkdir(mode=0o700)
        (root / "a.jpg").write_bytes(picture(1))
        (secret / "copy.jpg").write_bytes(picture(1))
        library.scan()
        library.apply(library.plan())
        assert [path.name for path in quarantined(root)] == ["copy.jpg"]
        quarantine = root / ".dedupctl" / "quarantine"
        assert (root / ".dedupctl").stat().st_mode & 0o066 == 0
        folders = [quarantine, *(path for path in quarantine.rglob("*") if path.is_dir())]
        assert [folder.stat().st_mode & 0o077 for folder in folders] == [0, 0, 0]
        secret.rmdir()
        library.restore_all()
        assert secret.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_a_taken_place_is_left_alone_and_the_file_comes_beside_it(library: LivingLibrary, removed: Path) -> None:
    removed.write_bytes(picture(7))
    (outcome,) = library.restore_all()
    assert (outcome.done, outcome.reason) == (True, "its place was taken")
    assert removed.read_bytes() == picture(7)
    assert removed.with_name("a copy (restored).jpg").read_bytes() == picture(1)


def test_a_file_that_appears_at_the_last_moment_is_not_overwritten(library: LivingLibrary, removed: Path) -> None:
    appear = iter([picture(7), picture(8)])
    names = iter([removed.name, "a copy (restored).jpg"])

    def step(now: Step) -> None:
        if now is Step.MOVING and (data := next(appear, None)) is not None:
            removed.with_name(next(names)).write_bytes(data)

    assert library.restore_all(steps=step)[0].done
    assert set(tree(removed.parent)) == {"a copy.jpg", "a copy (restored).jpg", "a copy (restored 2).jpg"}
    assert set(tree(removed.parent).values()) == {picture(1), picture(7), picture(8)}


def test_a_symlink_in_place_of_its_folder_is_not_followed(library: LivingLibrary, removed: Path) -> None:
    removed.parent.rmdir()
    (library.base / "elsewhere").mkdir()
    removed.parent.symlink_to(library.base / "elsewhere")
    assert not library.restore_all()[0].done
    assert list((library.base / "elsewhere").iterdir()) == []


def test_an_offline_root_is_asked_when_it_is_back(library: LivingLibrary, root: Path, removed: Path) -> None:
    root.rename(library.base / "away")
    root.mkdir()
    (outcome,) = library.restore_all()
    assert (outcome.done, "offline" in str(outcome.reason)) == (False, True)
    assert list(root.iterdir()) == []
    root.rmdir()
    (library.base / "away").rename(root)
    assert library.restore_all()[0].done
    assert removed.exists()


@pytest.mark.parametrize("mount_point_is_left", [False, True])
def test_what_was_moved_to_a_disk_that_is_away_is_asked_when_it_is_back(
    library: LivingLibrary, root: Path, mount_point_is_left: bool
) -> None:
    disk = library.base / "disk"
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": disk})))
    disk.rename(library.base / "away")
    if mount_point_is_left:
        disk.mkdir()

    (outcome,) = library.restore_all()

    assert (outcome.done, outcome.where, outcome.reason) == (False, os.fsencode(disk / "a copy.jpg"), AWAY)
    shutil.rmtree(disk, ignore_errors=True)
    (library.base / "away").rename(disk)
    assert [one.done for one in library.restore_all()] == [True]
    assert (root / "a copy.jpg").exists()


def test_what_was_deleted_from_where_it_was_moved_to_is_said_once_and_then_forgotten(
    library: LivingLibrary, root: Path
) -> None:
    disk = library.base / "disk"
    for name, scene in (("a.jpg", 1), ("a copy.jpg", 1), ("b.jpg", 2), ("b copy.jpg", 2)):
        (root / name).write_bytes(picture(scene))
    library.scan()
    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": disk})))
    first, *_ = (entry.action.victim.path for entry in restorable(library.catalog)[::-1])
    (disk / os.fsdecode(first)).unlink()  # the last one to be put back: by then the folder is bare

    assert [one.reason for one in library.restore_all()] == [None, "it is not there any more"]
    assert library.restore_all() == []


def test_a_quarantine_removed_by_hand_is_said_once_and_then_forgotten(
    library: LivingLibrary, root: Path, removed: Path
) -> None:
    shutil.rmtree(root / ".dedupctl" / "quarantine")
    (outcome,) = library.restore_all()
    assert (outcome.state, outcome.where, outcome.reason) == (EntryState.FAILED, None, "it is not there any more")
    assert library.restore_all() == []
    assert not removed.exists()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_cannot_be_moved_back_waits_on(
    library: LivingLibrary, root: Path, removed: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(restoring, "move", fails)
        (outcome,) = library.restore_all()
    assert (outcome.done, outcome.reason) == (False, os.strerror(code))
    assert len(quarantined(root)) == 1
    assert library.restore_all()[0].done
    assert removed.exists()


def test_a_person_may_choose_by_plan_by_folder_or_by_file(library: LivingLibrary, root: Path, removed: Path) -> None:
    (root / "b.jpg").write_bytes(picture(2))
    (root / "b copy.jpg").write_bytes(picture(2))
    library.scan()
    second = library.plan()
    library.apply(second)
    assert len(restorable(library.catalog)) == 2
    assert len(restorable(library.catalog, plan_id=second.id)) == 1
    assert len(restorable(library.catalog, path=os.fsencode(root))) == 2
    (entry,) = restorable(library.catalog, path=os.fsencode(removed.parent))
    restore(library.catalog, [entry])
    assert removed.exists()
    assert not (root / "b copy.jpg").exists()
    assert restorable(library.catalog, path=os.fsencode(root / "b copy.jp")) == []


def test_a_link_that_a_person_changed_is_left_alone(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "symlink"})))
    (root / "a copy.jpg").unlink()
    (root / "a copy.jpg").write_bytes(picture(9))
    library.restore_all()
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(9), "a copy (restored).jpg": picture(1)}


def test_after_an_older_catalog_the_quarantined_files_are_known_again(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    library.reopen()
    backup = shutil.copy(library.home / "catalog.db", library.base / "backup.db")
    library.apply(library.plan())
    library.close()
    for path in library.home.glob("catalog.db*"):
        path.unlink()
    shutil.copy(backup, library.home / "catalog.db")
    library.reopen()
    assert library.restore_all() == []

    adopted = adopt_orphans(library.catalog, now=library.now)

    assert adopted is not None
    assert adopt_orphans(library.catalog, now=library.now) is None
    assert [one.reason for one in library.purge()] == ["no kept copy of it is known"]
    assert all(one.done for one in library.restore_all())
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(1)}
