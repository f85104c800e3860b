"""Every removed file gets a place of its own, and says where it came from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dedupctl.disk.trash import Trashed, has_info, trash_for
from dedupctl.domain import Action, Identity, PairKind, Seen, Terms, Verb
from dedupctl.removal.destinations import Destinations, Place, drop_empty_folders

NOTHING = Identity(0, 0, 0, 0, 0)


def removal(root: Path, path: bytes, verb: Verb = Verb.QUARANTINE) -> Action:
    victim = Seen(os.fsencode(root), path, NOTHING, b"")
    return Action(1, verb, victim, replace(victim, path=b"kept.jpg"), PairKind.EXACT, 1.0, "name")


def chosen(destinations: Destinations, action: Action) -> bytes:
    return destinations.choose(action).absolute


def test_the_quarantine_keeps_the_folders_and_never_takes_a_taken_place(tmp_path: Path) -> None:
    action = removal(tmp_path, b"album/a.jpg")
    wanted = os.fsencode(tmp_path / ".dedupctl/quarantine/7/album/a.jpg")
    assert chosen(Destinations(7, Terms(())), action) == wanted
    os.makedirs(os.path.dirname(wanted))
    os.symlink("nowhere", wanted)
    assert chosen(Destinations(7, Terms(())), action) == wanted.replace(b"/7/", b"/7.2/")


def test_no_two_files_of_a_batch_get_one_place(tmp_path: Path) -> None:
    destinations = Destinations(1, Terms((), move_to=os.fsencode(tmp_path / "target")))
    places = {chosen(destinations, removal(tmp_path / root, b"a.jpg", Verb.MOVE_TO)) for root in ("one", "two")}
    assert places == {os.fsencode(tmp_path / "target" / name) for name in ("a.jpg", "a (2).jpg")}


def test_a_numbered_name_fits_into_255_bytes(tmp_path: Path) -> None:
    name = b"n" * 251 + b".jpg"
    (tmp_path / os.fsdecode(name)).touch()
    terms = Terms((), move_to=os.fsencode(tmp_path))
    assert len(os.path.basename(chosen(Destinations(1, terms), removal(tmp_path, name, Verb.MOVE_TO)))) == 255


def test_a_carried_sidecar_takes_one_name_or_none(tmp_path: Path) -> None:
    action = removal(tmp_path, b"copy.jpg.xmp", Verb.CARRY)
    assert chosen(Destinations(1, Terms(())), action) == os.fsencode(tmp_path / "kept.jpg.xmp")
    (tmp_path / "kept.jpg.xmp").touch()
    with pytest.raises(FileExistsError):
        Destinations(1, Terms(())).choose(action)


def test_only_empty_folders_of_the_quarantine_are_tidied_away(tmp_path: Path) -> None:
    deep = tmp_path / ".dedupctl/quarantine/1/album/sub"
    deep.mkdir(parents=True)
    (tmp_path / ".dedupctl/quarantine/1/b.jpg").touch()
    drop_empty_folders(Place(os.fsencode(tmp_path), b".dedupctl/quarantine/1/album/sub/a.jpg"))
    assert sorted(path.name for path in (tmp_path / ".dedupctl/quarantine").rglob("*")) == ["1", "b.jpg"]
    (tmp_path / "album").mkdir()
    drop_empty_folders(Place(os.fsencode(tmp_path), b"album/a.jpg"))
    assert (tmp_path / "album").is_dir()


def test_the_trash_of_the_same_filesystem_is_taken_and_its_note_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    original = os.fsencode(tmp_path) + b"/100 % \xff\n.jpg"
    Path(os.fsdecode(original)).touch()
    trash = trash_for(original)
    assert trash == os.fsencode(tmp_path / "data/Trash")
    trashed = os.path.join(trash, b"files", b"a.jpg")
    Trashed(trashed, original, at=0).write_info()
    note = (tmp_path / "data/Trash/info/a.jpg.trashinfo").read_text()
    assert note.startswith("[Trash Info]\nPath=")
    assert "/100%20%25%20%FF%0A.jpg\nDeletionDate=" in note
    assert has_info(trashed)
    with pytest.raises(FileExistsError):
        Trashed(trashed, original, at=0).write_info()
    Trashed(trashed, original, at=1).forget_info()
    assert has_info(trashed), "another program trashed a file of that name"
    Trashed(trashed, original, at=0).forget_info()
    assert not has_info(trashed)


def test_a_name_whose_note_is_left_in_the_trash_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "a.jpg").touch()
    Trashed(os.fsencode(tmp_path / "data/Trash/files/a.jpg"), b"/somewhere/a.jpg", at=0).write_info()
    place = chosen(Destinations(1, Terms(())), removal(tmp_path, b"a.jpg", Verb.TRASH))
    assert place == os.fsencode(tmp_path / "data/Trash/files/a (2).jpg")
