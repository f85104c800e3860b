"""What policy is told of the disk is so at that moment, and follows no link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dedupctl.disk.reading import LONGEST_TEXT, Reader
from dedupctl.disk.refusal import Refused


def test_the_files_of_a_folder_are_listed_once_and_folders_are_none(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b").touch()
    (tmp_path / "link").symlink_to("b")
    reader = Reader()
    assert reader.names(os.fsencode(tmp_path), b"") == (b"b", b"link")
    assert reader.folders(os.fsencode(tmp_path), b"") == (b"sub",)
    (tmp_path / "c").touch()
    assert reader.names(os.fsencode(tmp_path), b"") == (b"b", b"link")
    assert Reader().names(os.fsencode(tmp_path), b"") == (b"b", b"c", b"link")


def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    name = b"\xff\n.jpg"
    with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
        pass
    assert Reader().names(os.fsencode(tmp_path), b"") == (name,)


def test_what_is_too_long_for_a_sidecar_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.xmp").open("wb") as file:
        file.truncate(LONGEST_TEXT + 1)
    with pytest.raises(Refused, match="too long"):
        Reader().text(os.fsencode(tmp_path), b"a.xmp")


def test_another_file_in_the_place_of_the_one_that_was_seen_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    seen = Reader().seen(os.fsencode(tmp_path), b"a.jpg")
    with Reader().opened(seen) as file:
        assert file.read() == b"one"
    (tmp_path / "b.jpg").write_bytes(b"two")
    (tmp_path / "b.jpg").replace(tmp_path / "a.jpg")
    with pytest.raises(Refused, match="changed since"), Reader().opened(seen):
        pass


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    with pytest.raises(OSError, match="symbolic"):
        Reader().seen(os.fsencode(tmp_path), b"b.jpg")
