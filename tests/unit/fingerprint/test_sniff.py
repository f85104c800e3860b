from __future__ import annotations

from pathlib import Path

import pytest

from dedupctl.fingerprint.sniff import HEAD_BYTES, PICTURE_SUFFIXES, container_of, looks_like_picture


@pytest.mark.parametrize(
    ("written", "container"),
    [("JPEG", "JPEG"), ("PNG", "PNG"), ("GIF", "GIF"), ("BMP", "BMP"), ("WEBP", "WEBP"), ("TIFF", "TIFF"),
     ("JPEG2000", "JPEG2000"), ("AVIF", "AVIF"), ("HEIF", "HEIF"), ("JXL", "JXL")],
)  # fmt: skip
def test_every_container_is_known_by_its_first_bytes(scene, saved, written, container):
    assert container_of(saved(scene(size=(40, 30)), written)[:HEAD_BYTES]) == container


@pytest.mark.parametrize(
    "head",
    [b"", b"BM is how this text begins", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
     b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", b"%PDF-1.7", b"RIFF\0\0\0\0WAVEfmt "],
)  # fmt: skip
def test_what_is_no_picture_is_not_taken_for_one(head):
    assert container_of(head) is None


def test_a_generic_brand_gives_way_to_the_compatible_one_that_says_more():
    assert container_of(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "AVIF"
    assert container_of(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "HEIF"
    assert container_of(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom") == "RAW"


@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG", "c.HeIc", "d.tiff", "e.CR3"])
def test_a_picture_suffix_is_worth_opening_without_looking(name):
    assert looks_like_picture(b"/nowhere/" + name.encode())


@pytest.mark.parametrize("name", ["clip.mov", "clip.mp4", "IMG_1.xmp", "IMG_1.aae", "notes.txt", "out.csv"])
def test_other_suffixes_are_passed_over_even_when_a_picture_is_inside(tmp_path, scene, saved, name):
    (tmp_path / name).write_bytes(saved(scene(), "JPEG"))
    assert not looks_like_picture(bytes(tmp_path / name))


def test_a_name_without_suffix_is_asked_for_its_first_bytes(tmp_path: Path, scene, saved):
    (tmp_path / "IMG_0001").write_bytes(saved(scene(), "JPEG"))
    (tmp_path / "Makefile").write_bytes(b"all:\n\techo\n")
    assert looks_like_picture(bytes(tmp_path / "IMG_0001"))
    assert not looks_like_picture(bytes(tmp_path / "Makefile"))
    assert not looks_like_picture(bytes(tmp_path / "gone"))


def test_suffixes_are_written_as_they_are_compared():
    assert all(suffix.startswith(b".") and suffix == suffix.lower() for suffix in PICTURE_SUFFIXES)
