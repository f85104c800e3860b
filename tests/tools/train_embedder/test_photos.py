from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenery import jpeg, scene
from train_embedder.photos import Album, Packed, held_out, pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small photos, a large one that EXIF turns, and two files that are none."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg(scene(1, (200, 150))))
    scene(2, (200, 150)).save(folder / "sub" / "b.webp", lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(3, (800, 600)).save(folder / "c.jpg", exif=exif)
    (folder / "d.jpg").write_bytes(b"no photo")
    scene(4, (40, 40)).save(folder / "e.png")
    (folder / "notes.txt").write_text("not named like a picture")
    return folder


def test_photos_are_packed_small_and_upright_and_the_rest_is_named(folder: Path, tmp_path: Path) -> None:
    packed = pack([folder], tmp_path / "run")
    album = Album(tmp_path / "run")
    assert len(album) == packed.taken["photos"] == 3
    assert [line.partition(":")[0] for line in packed.refused] == ["d.jpg", "e.png"]
    assert [album[number].shape for number in range(3)] == [(150, 200, 3), (341, 256, 3), (150, 200, 3)]
    assert np.array_equal(album[2], np.asarray(scene(2, (200, 150))))
    assert "only 40 pixels" in packed.refused[1]
    assert Packed.load(tmp_path / "run") == packed


def test_a_small_photo_is_kept_byte_by_byte(folder: Path, tmp_path: Path) -> None:
    pack([folder], tmp_path / "run")
    packed = (tmp_path / "run" / "photos.bin").read_bytes()
    assert packed.startswith((folder / "a.jpg").read_bytes())


def test_a_tar_gives_the_same_album_as_its_folder(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.tar"
    with tarfile.open(archive, "w") as out:
        for path in sorted(folder.rglob("*.*")):
            out.add(path, path.relative_to(folder))
    pack([folder], tmp_path / "one")
    pack([archive], tmp_path / "other")
    assert (tmp_path / "one" / "photos.bin").read_bytes() == (tmp_path / "other" / "photos.bin").read_bytes()


def test_several_sources_come_one_after_the_other(folder: Path, tmp_path: Path) -> None:
    packed = pack([folder, folder / "sub"], tmp_path / "run")
    assert packed.taken == {"photos": 3, "sub": 1}
    assert np.array_equal(Album(tmp_path / "run")[3], Album(tmp_path / "run")[2])


def test_no_photos_and_no_such_source_are_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ValueError, match="no photo in"):
        pack([tmp_path / "empty"], tmp_path / "run")
    assert Packed.load(tmp_path / "run") is None
    with pytest.raises(ValueError, match="same name"):
        pack([tmp_path / "empty", tmp_path / "run" / "empty"], tmp_path / "run")
    with pytest.raises(ValueError, match="neither a folder nor a tar file"):
        pack([tmp_path / "file"], tmp_path / "run")


def test_an_album_goes_to_another_process_as_its_folder(folder: Path, tmp_path: Path) -> None:
    pack([folder], tmp_path / "run")
    album = Album(tmp_path / "run")
    sent = io.BytesIO()
    pickle.dump((album[0].shape, album), sent)
    assert len(sent.getvalue()) < 1000
    shape, received = pickle.loads(sent.getvalue())  # noqa: S301 - it was written a line above
    assert received[0].shape == shape


def test_held_out_photos_are_never_learnt_from_and_always_the_same() -> None:
    learnt, unseen = held_out(100, 0.1)
    assert len(unseen) == 10
    assert sorted(learnt + unseen) == list(range(100))
    assert held_out(100, 0.1) == (learnt, unseen)
