"""Folders kept open, made and synced: never through a link, and never one that was swapped for another."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from dedupctl.disk import durable, folders
from dedupctl.disk.folders import OpenFolders, make_quarantine, opened_folder, standing_at, sync_folders
from dedupctl.disk.root_marker import QUARANTINE
from dedupctl.errors import DedupctlError
from dedupctl.paths import join, split


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
    with pytest.raises(DedupctlError, match="cannot flush"):
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
            kept.at(os.fsencode(tmp_path), b"%d/a" % number, create_like=b"/a")
        assert len(set(os.listdir("/proc/self/fd")) - before) <= folders.KEPT_OPEN + 1
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1


def test_folders_are_made_at_once_and_never_through_a_link(tmp_path: Path) -> None:
    root, own = os.fsencode(tmp_path), tmp_path / ".dedupctl"
    with pytest.raises(FileNotFoundError):
        make_quarantine(root, {QUARANTINE + b"/1": b"/f"})
    assert not own.exists()
    own.mkdir()
    below = {QUARANTINE + name: b"/f" for name in (b"/1/b/c", b"/1/b", b"/1/d")}
    make_quarantine(root, below)
    assert sorted(path.name for path in (own / "quarantine" / "1").rglob("*")) == ["b", "c", "d"]
    (tmp_path / "real").mkdir()
    (own / "quarantine" / "2").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic"):
        make_quarantine(root, {QUARANTINE + b"/2/below": b"/f"})
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_who_could_not_read_a_file_cannot_read_it_in_the_quarantine(tmp_path: Path, at_once: bool) -> None:
    """And where it goes back to, folders that are gone meanwhile come again as they were."""
    secret = tmp_path / "a" / "secret"
    secret.mkdir(parents=True)
    secret.chmod(0o700)
    (tmp_path / "a").chmod(0o2775)
    root, resting = os.fsencode(tmp_path), join(QUARANTINE, b"1/a/secret/f")
    (tmp_path / ".dedupctl").mkdir()
    before = os.umask(0)
    try:
        if at_once:
            make_quarantine(root, {split(resting)[0]: join(root, b"a/secret/f")})
        with standing_at(root, resting, create_like=join(root, b"a/secret/f")):
            pass
        modes = [mode(tmp_path / ".dedupctl" / name) for name in (".", "quarantine", "quarantine/1")]
        assert modes == [0o711, 0o700, 0o700]
        assert mode(tmp_path / os.fsdecode(QUARANTINE) / "1/a") == 0o2775
        assert mode(tmp_path / os.fsdecode(QUARANTINE) / "1/a/secret") == 0o700
        secret.rmdir()
        (tmp_path / "a").rmdir()
        with standing_at(root, b"a/secret/f", create_like=join(root, resting)):
            pass
        assert (mode(tmp_path / "a"), mode(secret)) == (0o2775, 0o700)
    finally:
        os.umask(before)


def test_where_the_special_bits_are_forbidden_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a unit with RestrictSUIDSGID."""
    (tmp_path / "away" / "a").mkdir(parents=True)
    (tmp_path / "away" / "a").chmod(0o2750)
    allowed = os.fchmod

    def restricted(descriptor: int, mode: int) -> None:
        if mode & 0o6000:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        allowed(descriptor, mode)

    monkeypatch.setattr(folders.os, "fchmod", restricted)
    with standing_at(os.fsencode(tmp_path), b"a/f", create_like=os.fsencode(tmp_path / "away" / "a" / "f")):
        pass
    assert mode(tmp_path / "a") == 0o750


def test_a_folder_that_stands_for_no_other_is_made_as_the_user_makes_folders(tmp_path: Path) -> None:
    (tmp_path / "trash").mkdir(mode=0o700)
    before = os.umask(0o027)
    try:
        with standing_at(os.fsencode(tmp_path), b"a/f", create_like=os.fsencode(tmp_path / "trash" / "f")):
            pass
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o750


def test_a_quarantine_that_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    quarantine = tmp_path / os.fsdecode(QUARANTINE)
    quarantine.mkdir(parents=True)
    for folder in (quarantine, quarantine.parent):
        folder.chmod(0o755)
    make_quarantine(os.fsencode(tmp_path), {QUARANTINE + b"/1": b"/f"})
    assert (mode(quarantine.parent), mode(quarantine)) == (0o711, 0o700)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
