"""When the disk says no, the file is where it was, nothing else is left behind, and the reason is said."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, picture, quarantined, tree

from dedupctl.config import PolicyConfig
from dedupctl.disk import durable, folders, moves, replacements
from dedupctl.disk.steps import Step
from dedupctl.domain import EntryState
from dedupctl.errors import DedupctlError
from dedupctl.removal import apply, relocation

REFUSALS = [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EIO]


@pytest.fixture
def victim(library: LivingLibrary, root: Path) -> Path:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    return root / "a copy.jpg"


def failing(code: int) -> object:
    def fails(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fails


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("action", ["quarantine", "hardlink", "symlink"])
def test_a_rename_that_fails_costs_nothing(
    library: LivingLibrary, victim: Path, monkeypatch: pytest.MonkeyPatch, code: int, action: str
) -> None:
    root = victim.parent
    plan = library.plan(EXACT_ONLY.model_copy(update={"action": action}))
    inode = victim.stat().st_ino
    with monkeypatch.context() as broken:
        broken.setattr(moves, "rename_exclusive", failing(code))
        applied = library.apply(plan)

    assert [one.reason for one in applied.refused] == [os.strerror(code)]
    assert victim.lstat().st_ino == inode
    assert not list(root.glob(".dedupctl-*"))
    assert not list((root / ".dedupctl").rglob("*.jpg"))
    assert library.apply(plan).removed == 1


def test_a_root_that_became_read_only_costs_nothing_and_leaves_nothing_open(
    library: LivingLibrary, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = library.plan()
    with monkeypatch.context() as read_only:
        read_only.setattr(moves, "rename_exclusive", failing(errno.EROFS))
        read_only.setattr(folders.os, "unlink", failing(errno.EROFS))
        (outcome,) = library.apply(plan).refused

    assert (outcome.state, outcome.reason) == (EntryState.FAILED, "Read-only file system")
    assert victim.exists()
    assert library.recover() == []


@pytest.mark.parametrize("code", REFUSALS)
def test_a_quarantine_folder_that_cannot_be_made_costs_nothing(
    library: LivingLibrary, victim: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(folders.os, "mkdir", failing(code))
    assert [one.reason for one in library.apply(library.plan()).refused] == [os.strerror(code)]
    assert victim.exists()


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_a_link_that_cannot_be_made_costs_nothing(
    library: LivingLibrary, root: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(replacements.os, "link" if action == "hardlink" else "symlink", failing(errno.EMLINK))
    applied = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": action})))
    assert [one.reason for one in applied.refused] == [os.strerror(errno.EMLINK)]
    assert not victim.is_symlink()
    assert quarantined(root) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
@pytest.mark.parametrize("action", ["quarantine", "hardlink", "move-to"])
@pytest.mark.usefixtures("victim")
def test_a_filesystem_that_cannot_sync_folders_stops_no_removal(
    library: LivingLibrary, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, action: str
) -> None:
    fsync = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(durable.os, "fsync", only_files)
    target = library.base / "target" if action == "move-to" else None
    applied = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": action, "move_to": target})))
    assert (applied.removed, applied.refused) == (1, [])
    assert [one.done for one in library.restore_all()] == [True]
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(1)}


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_hard_link_to_a_file_with_other_permissions_is_refused(
    library: LivingLibrary, root: Path, victim: Path, mode: int
) -> None:
    victim.chmod(mode)
    library.scan()
    (outcome,) = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "hardlink"}))).refused
    assert "other permissions" in str(outcome.reason)
    assert (victim.stat().st_mode & 0o777, victim.stat().st_nlink) == (mode, 1)
    assert quarantined(root) == []


def test_a_link_that_finds_its_place_taken_brings_everything_back(
    library: LivingLibrary, root: Path, victim: Path
) -> None:
    def take(step: Step) -> None:
        if step is Step.RENAMED and not victim.exists():
            victim.write_bytes(picture(9))

    applied = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "hardlink"})), steps=take)

    assert applied.removed == 0
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(9), "a copy (restored).jpg": picture(1)}
    assert "it is now" in str(applied.refused[0].reason)


def test_what_cannot_be_put_back_stays_open_and_is_settled_by_the_next_run(
    library: LivingLibrary, root: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_keeper(step: Step) -> None:
        if step is Step.RENAMED and (root / "a.jpg").exists():
            (root / "a.jpg").unlink()
            broken.setattr(relocation, "_move_beside", failing(errno.EIO))

    with monkeypatch.context() as broken:
        applied = library.apply(library.plan(), steps=lose_keeper)

    assert [one.state for one in applied.refused] == [EntryState.INTENDED]
    assert "could not be put back yet" in str(applied.refused[0].reason)
    assert [one.state for one in library.recover()] == [EntryState.FAILED]
    assert victim.read_bytes() == picture(1)


def test_a_folder_that_does_not_reach_the_disk_leaves_the_row_open(
    library: LivingLibrary, root: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_paths: object) -> None:
        raise DedupctlError("cannot put it on the disk")

    with monkeypatch.context() as broken:
        broken.setattr(apply, "sync_folders", fails)
        with pytest.raises(DedupctlError):
            library.apply(library.plan())

    assert [one.state for one in library.recover()] == [EntryState.DONE]
    assert not victim.exists()
    assert len(quarantined(root)) == 1


def test_a_journal_that_cannot_be_written_stops_before_the_disk_is_touched(
    library: LivingLibrary, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = library.plan()

    def full(*_: object, **__: object) -> None:
        raise DedupctlError("database or disk is full")

    monkeypatch.setattr("dedupctl.catalog.journal.Journal.intend", full)
    with pytest.raises(DedupctlError):
        library.apply(plan)
    assert victim.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_to_costs_nothing(library: LivingLibrary, root: Path, victim: Path) -> None:
    plan = library.plan()
    root.chmod(0o500)
    try:
        applied = library.apply(plan)
    finally:
        root.chmod(0o700)
    assert [one.reason for one in applied.refused] == ["Permission denied"]
    assert victim.exists()


def test_a_root_that_went_offline_since_the_plan_is_left_alone(
    library: LivingLibrary, root: Path, victim: Path
) -> None:
    plan = library.plan()
    root.rename(library.base / "away")
    root.mkdir()
    applied = library.apply(plan)
    assert (applied.removed, len(applied.refused)) == (0, 1)
    assert str(applied.refused[0].reason).startswith(f"{root} is offline: ")
    assert list(root.iterdir()) == []
    root.rmdir()
    (library.base / "away").rename(root)
    assert victim.exists()
    assert library.apply(plan).removed == 1


def test_an_offline_keeper_keeps_the_victim(library: LivingLibrary, root: Path) -> None:
    second = library.add_root("second")
    (second / "a.jpg").write_bytes(picture(1))
    (root / "a copy.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan(PolicyConfig(kinds=("exact",), keep=("name",)))
    second.rename(library.base / "away")
    assert library.apply(plan).removed == 0
    assert (root / "a copy.jpg").exists()


@pytest.mark.parametrize("gone", [b"sub", b"sub/deeper"])
def test_a_folder_removed_by_hand_in_between_is_named(library: LivingLibrary, root: Path, gone: bytes) -> None:
    place = root / os.fsdecode(gone)
    place.mkdir(parents=True)
    (root / "a.jpg").write_bytes(picture(1))
    (place / "a copy.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan()
    (place / "a copy.jpg").unlink()
    place.rmdir()
    assert [one.reason for one in library.apply(plan).refused] == ["No such file or directory"]
