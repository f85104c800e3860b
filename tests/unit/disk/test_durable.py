"""Writing that survives a power cut, on filesystems that can sync folders and on those that cannot."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest

from dedupctl.disk import durable
from dedupctl.disk.durable import durable_file, sync_folder, sync_path, write_new
from dedupctl.disk.folders import opened_folder, sync_folders


def failing(code: int) -> object:
    def fails(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    return fails


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_filesystem_that_cannot_sync_folders_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(durable.os, "fsync", failing(code))
    with opened_folder(os.fsencode(tmp_path)) as folder:
        sync_folder(folder)
    sync_path(tmp_path)
    sync_folders([os.fsencode(tmp_path)])


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(durable.os, "fsync", failing(code))
    with opened_folder(os.fsencode(tmp_path)) as folder, pytest.raises(OSError, match=os.strerror(code)):
        sync_folder(folder)


def test_a_file_whose_bytes_cannot_be_synced_is_always_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable.os, "fsync", failing(errno.EINVAL))
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        write_new(os.fsencode(tmp_path / "new"), b"bytes")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_overwrites_nothing_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("theirs")
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("taken", "link"):
        with pytest.raises(FileExistsError):
            write_new(os.fsencode(tmp_path / name), b"ours")
    assert (tmp_path / "taken").read_text() == "theirs"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_and_its_name_reach_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    replace = Path.replace

    def replaced(path: Path, target: Path) -> Path:
        order.append("replace")
        return replace(path, target)

    monkeypatch.setattr(durable, "sync_path", lambda path: order.append(f"sync {path.name}"))
    monkeypatch.setattr(Path, "replace", replaced)
    with durable_file(tmp_path / "name") as part:
        part.write_text("new")
    assert order == ["sync name.part", "replace", f"sync {tmp_path.name}"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("old")
    with contextlib.suppress(KeyboardInterrupt), durable_file(tmp_path / "name") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("name", "old")]
