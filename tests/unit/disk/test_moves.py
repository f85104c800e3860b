"""One file from one name to another: never over anything, never through a link, and whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedupctl.disk import moves
from dedupctl.disk.folders import At, opened_folder, standing_at
from dedupctl.disk.moves import free_name, move, rename_exclusive, unlink_exactly, unnoted
from dedupctl.disk.refusal import Refused
from dedupctl.disk.steps import Step, uninterrupted
from dedupctl.domain import Identity

TOKEN = b"token"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    with opened_folder(os.fsencode(tmp_path)) as opened:
        yield opened


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another filesystem."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second filesystem")
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


def identity(path: Path) -> Identity:
    return Identity.of(path.lstat())


@pytest.mark.parametrize("has_renameat2", [True, False])
def test_a_rename_never_overwrites(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch, has_renameat2: bool
) -> None:
    if not has_renameat2:
        monkeypatch.setattr(moves, "_LIBC", object())
    for name in ("a", "taken"):
        (tmp_path / name).write_text(name)

    with pytest.raises(FileExistsError):
        rename_exclusive(At(folder, b"a"), At(folder, b"taken"))
    rename_exclusive(At(folder, b"a"), At(folder, b"free"))

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"taken": "taken", "free": "a"}


def test_missing_folders_are_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), standing_at(os.fsencode(tmp_path), b"a/b/file"):
        pass
    with standing_at(os.fsencode(tmp_path), b"a/b/file", create_like=b"/file") as at:
        assert not at.exists()
    assert (tmp_path / "a" / "b").is_dir()


def test_another_file_that_was_moved_by_mistake_goes_back(tmp_path: Path, folder: int) -> None:
    (tmp_path / "a").write_text("meant")
    meant = identity(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "meant")
    (tmp_path / "a").write_text("another")

    with pytest.raises(Refused, match="another file"):
        move(At(folder, b"a"), At(folder, b"b"), meant, token=TOKEN, steps=uninterrupted, note=unnoted)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "meant"]


def test_another_file_that_would_be_unlinked_by_mistake_keeps_its_name(tmp_path: Path, folder: int) -> None:
    (tmp_path / "a").write_text("meant")
    meant = identity(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "meant")
    (tmp_path / "a").write_text("another")

    with pytest.raises(Refused, match="another file"):
        unlink_exactly(At(folder, b"a"), meant, token=TOKEN, steps=uninterrupted)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "meant"]


def test_across_filesystems_mode_times_and_attributes_come_along(tmp_path: Path, elsewhere: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x" * 1_000_000)
    source.chmod(0o640)
    os.utime(source, ns=(5, 1_234_567_890_123_456_789))
    tagged = True
    try:
        os.setxattr(source, "user.tag", b"kept")
        os.setxattr(elsewhere, "user.tag", b"possible")
    except OSError:
        tagged = False

    move_across(source, elsewhere / "a")

    moved = elsewhere / "a"
    assert not source.exists()
    assert moved.read_bytes() == b"x" * 1_000_000
    assert (moved.stat().st_mode & 0o777, moved.stat().st_mtime_ns) == (0o640, 1_234_567_890_123_456_789)
    assert not tagged or os.getxattr(moved, "user.tag") == b"kept"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_or_failing_disk_leaves_the_original_and_no_part_of_a_copy(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    (tmp_path / "a").write_text("picture")

    def fails(_descriptor: int, _data: bytes) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(moves, "write_all", fails)
    with pytest.raises(OSError, match=os.strerror(code)):
        move_across(tmp_path / "a", elsewhere / "a")

    assert (tmp_path / "a").read_text() == "picture"
    assert list(elsewhere.iterdir()) == []


def test_a_copy_that_does_not_read_back_is_not_trusted(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("picture")
    monkeypatch.setattr(moves, "digest_descriptor", lambda _descriptor: b"something else")

    with pytest.raises(OSError, match="read back"):
        move_across(tmp_path / "a", elsewhere / "a")

    assert (tmp_path / "a").exists()
    assert list(elsewhere.iterdir()) == []


def test_a_taken_name_on_the_other_filesystem_is_not_overwritten(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "a").write_text("picture")
    (elsewhere / "a").write_text("already here")
    with pytest.raises(FileExistsError):
        move_across(tmp_path / "a", elsewhere / "a")
    assert (elsewhere / "a").read_text() == "already here"
    assert (tmp_path / "a").exists()


def test_an_original_replaced_after_the_copy_keeps_its_name_and_the_copy_goes(tmp_path: Path, elsewhere: Path) -> None:
    source = tmp_path / "a"
    source.write_text("picture")

    def replace(step: Step) -> None:
        if step is Step.PLACED:
            source.rename(tmp_path / "moved by somebody")
            source.write_text("new")

    with pytest.raises(Refused):
        move_across(source, elsewhere / "a", replace)

    assert source.read_text() == "new"
    assert (tmp_path / "moved by somebody").read_text() == "picture"
    assert list(elsewhere.iterdir()) == []


def move_across(source: Path, target: Path, steps: moves.Steps = uninterrupted) -> None:
    with (
        standing_at(os.fsencode(source.parent), os.fsencode(source.name)) as one,
        standing_at(os.fsencode(target.parent), os.fsencode(target.name)) as other,
    ):
        move(one, other, identity(source), token=TOKEN, steps=steps, note=unnoted)


def test_a_free_name_keeps_its_suffix_and_fits_into_255_bytes(tmp_path: Path, folder: int) -> None:
    long = b"n" * 251 + b".jpg"
    for name in (b"a.jpg", b"a (restored).jpg", long):
        (tmp_path / os.fsdecode(name)).touch()
    assert free_name(folder, b"b.jpg") == b"b.jpg"
    assert free_name(folder, b"a.jpg") == b"a (restored 2).jpg"
    shortened = free_name(folder, long)
    assert (len(shortened), shortened[-15:]) == (255, b" (restored).jpg")
