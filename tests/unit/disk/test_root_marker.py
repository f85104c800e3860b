from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from dedupctl.disk import root_marker
from dedupctl.disk.root_marker import mark_root, why_offline
from dedupctl.domain import Root

MARKER = Path(".dedupctl/root-id")


def marked(path: Path) -> Root:
    device, marker = mark_root(os.fsencode(path))
    return Root(1, os.fsencode(path), device, marker)


def test_a_marked_root_is_online(tmp_path: Path) -> None:
    assert why_offline(marked(tmp_path)) is None


def test_marking_again_keeps_the_marker(tmp_path: Path) -> None:
    assert marked(tmp_path) == marked(tmp_path)


def test_an_empty_marker_is_written_anew(tmp_path: Path) -> None:
    marked(tmp_path)
    (tmp_path / MARKER).write_bytes(b"")

    assert why_offline(marked(tmp_path)) is None


def test_marking_leaves_nothing_else_behind(tmp_path: Path) -> None:
    marked(tmp_path)

    assert [path.name for path in (tmp_path / ".dedupctl").iterdir()] == ["root-id"]


def test_a_missing_root_is_offline(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    root = marked(disk)
    disk.rename(tmp_path / "elsewhere")

    assert why_offline(root) == "No such file or directory"


def test_the_empty_folder_an_unmounted_disk_leaves_is_offline(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    root = marked(disk)
    disk.rename(tmp_path / "elsewhere")
    disk.mkdir()

    assert "missing" in str(why_offline(root))


def test_another_disk_at_the_same_place_is_offline(tmp_path: Path) -> None:
    root = marked(tmp_path)
    (tmp_path / MARKER).write_text("0" * 32)

    assert "another root's" in str(why_offline(root))


def test_a_file_in_place_of_the_root_is_offline(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.write_bytes(b"")

    assert why_offline(Root(1, os.fsencode(place), 0, "x")) == "not a directory"


def test_a_marked_root_on_another_device_number_is_online(tmp_path: Path) -> None:
    root = marked(tmp_path)

    assert why_offline(Root(1, root.path, root.device + 1, root.marker)) is None


def test_a_root_without_marker_is_known_by_its_device(tmp_path: Path) -> None:
    root = marked(tmp_path)

    assert why_offline(Root(1, root.path, root.device, None)) is None
    assert why_offline(Root(1, root.path, root.device + 1, None)) is not None


def test_a_root_that_cannot_be_written_to_has_no_marker(tmp_path: Path) -> None:
    (tmp_path / ".dedupctl").write_bytes(b"in the way, as a read-only filesystem is")

    assert marked(tmp_path).marker is None


def test_a_missing_root_cannot_be_marked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mark_root(os.fsencode(tmp_path / "nowhere"))


@pytest.mark.parametrize("where", ["inside", "dangling"])
def test_a_link_in_place_of_our_folder_is_refused_and_named(tmp_path: Path, where: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    root = marked(disk)
    (disk / ".dedupctl").rename(tmp_path / where)
    if where == "dangling":
        (tmp_path / where / "root-id").unlink()
        (tmp_path / where).rmdir()
    (disk / ".dedupctl").symlink_to(tmp_path / where)

    assert why_offline(root) == f"{disk}/.dedupctl is a symbolic link"
    with pytest.raises(OSError, match="symbolic"):
        mark_root(os.fsencode(disk))
    assert not (tmp_path / "dangling").exists()


def test_a_copy_of_a_root_gets_a_marker_of_its_own_while_the_first_one_stands(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    first = marked(tmp_path / "disk")
    shutil.copytree(tmp_path / "disk", tmp_path / "clone")
    clone = os.fsencode(tmp_path / "clone")

    assert mark_root(clone)[1] == first.marker
    marker = mark_root(clone, [first])[1]
    assert marker not in (None, first.marker)
    assert mark_root(clone, [first])[1] == marker
    assert why_offline(first) is None


def test_a_root_that_was_renamed_or_is_seen_under_two_paths_keeps_its_marker(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    root = marked(disk)
    (tmp_path / "also").symlink_to(disk)
    assert mark_root(os.fsencode(tmp_path / "also"), [root])[1] == root.marker
    disk.rename(tmp_path / "renamed")
    assert mark_root(os.fsencode(tmp_path / "renamed"), [root])[1] == root.marker


def test_a_copy_of_a_root_that_cannot_be_written_to_is_known_by_its_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    first = marked(tmp_path / "disk")
    shutil.copytree(tmp_path / "disk", tmp_path / "clone")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(root_marker, "write_new", read_only)
    assert mark_root(os.fsencode(tmp_path / "clone"), [first])[1] is None


def test_a_marker_behind_a_symlink_proves_nothing(tmp_path: Path) -> None:
    root = marked(tmp_path)
    (tmp_path / MARKER).rename(tmp_path / "token")
    (tmp_path / MARKER).symlink_to(tmp_path / "token")

    assert why_offline(root) is not None
