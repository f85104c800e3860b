"""Folders kept open, made and synced: never through a link, and never one that was swapped for another."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from dedupctl.disk import durable, folders
from dedupctl.disk.folders import OpenFolders, make_folders, opened_folder, sync_folders
from dedupctl.errors import DedupctlError


def test_a_symlink_is_never_followed_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for relative in (b"link", b"link/below", b"real/../link"):
        with pytest.raises(OSError, match=r"directory|symbolic"), opened_folder(os.fsencode(tmp_path), relative):
            pass
    assert not (tmp_path / "real" / "below").exists()


def test_a_folder_that_is_gone_needs_no_sync_and_one_that_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_folders([os.fsencode(tmp_path / "gone"), os.fsencode(tmp_path)])

    def fails(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable.os, "fsync", fails)
    with pytest.raises(DedupctlError, match="cannot put"):
        sync_folders([os.fsencode(tmp_path)])


def test_a_folder_kept_open_is_used_again_only_while_its_path_leads_to_it(tmp_path: Path) -> None:
    base = os.fsencode(tmp_path)
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "a").write_text("first")
    with closing(OpenFolders()) as kept:
        first = kept.at(base, b"album/a")
        assert kept.at(base, b"album/b").folder == first.folder
        (tmp_path / "album").rename(tmp_path / "away")
        with pytest.raises(FileNotFoundError):
            kept.at(base, b"album/a")
        (tmp_path / "album").mkdir()
        assert not kept.at(base, b"album/a").exists()
        (tmp_path / "album").rmdir()
        (tmp_path / "album").symlink_to("away")
        with pytest.raises(OSError, match="symbolic"):
            kept.at(base, b"album/a")


def test_only_so_many_folders_are_kept_open_and_none_afterwards(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with closing(OpenFolders()) as kept:
        for number in range(2 * folders.KEPT_OPEN):
            kept.at(os.fsencode(tmp_path), b"%d/a" % number, create=True)
        assert len(set(os.listdir("/proc/self/fd")) - before) <= folders.KEPT_OPEN + 1
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1


def test_folders_are_made_at_once_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make_folders(os.fsencode(tmp_path), [b"a/b/c", b"a/b", b"a/d", b""])
    assert sorted(path.name for path in (tmp_path / "a").rglob("*")) == ["b", "c", "d"]
    with pytest.raises(OSError, match="symbolic"):
        make_folders(os.fsencode(tmp_path), [b"link/below"])
    assert list((tmp_path / "real").iterdir()) == []
