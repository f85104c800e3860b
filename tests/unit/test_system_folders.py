"""Which folders are a system's own, whatever the case of their letters, and which are the user's."""

from __future__ import annotations

import pytest

from dedupctl.system_folders import in_system_folder, is_system_name, is_system_path

NAMES = [
    *("#recycle", "$RECYCLE.BIN", "RECYCLER", "@Recycle", ".recycle", ".Trash", ".Trashes", ".Trash-1000"),
    *("@Recently-Snapshot", "#snapshot", ".snapshot", ".snapshots", ".zfs", ".stversions", "System Volume Information"),
    *("@eaDir", ".thumbnails", ".cache", "lost+found", "Previews.lrdata", "Lightroom Previews"),
    "My Catalog Smart Previews.lrdata",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spelled", [str, str.upper, str.lower, str.title])
def test_a_file_below_a_system_folder_is_known_at_any_depth(name: str, spelled: object) -> None:
    assert callable(spelled)
    folder = str(spelled(name)).encode()
    assert is_system_name(folder)
    assert is_system_path(b"/pictures/" + folder)
    assert in_system_folder(b"/pictures/" + folder + b"/2020/a.jpg")
    assert in_system_folder(folder + b"/a.jpg")


@pytest.mark.parametrize(
    "name", ["2020", ".hidden", "Trash", "eaDir", "recycle", "snapshots", "cache", "Recycling", "zfs"]
)
def test_folders_that_only_sound_alike_are_the_users(name: str) -> None:
    assert not in_system_folder(b"/pictures/" + name.encode() + b"/a.jpg")


def test_a_file_that_bears_such_a_name_lies_in_no_system_folder() -> None:
    assert not in_system_folder(b"/pictures/#recycle")
    assert is_system_path(b"/pictures/#recycle")


def test_the_trash_of_the_desktop_is_known_by_its_whole_path() -> None:
    assert in_system_folder(b"/home/me/.local/share/Trash/files/a.jpg")
    assert not in_system_folder(b"/home/me/share/Trash/a.jpg")
