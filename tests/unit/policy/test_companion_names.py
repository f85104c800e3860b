"""Which file belongs to which picture is told from their names alone, as programs and Takeout form them."""

from __future__ import annotations

import pytest

from dedupctl.policy.companion_names import CompanionKind, Folder, kind_of, name_beside

LONG = "PXL_20230101_123456789.MOTION-01.COVER.night"


@pytest.mark.parametrize(
    ("companion", "pictures", "owners"),
    [
        ("a.xmp", ["a.jpg", "a.cr2", "b.jpg"], {"a.jpg", "a.cr2"}),
        ("A.XMP", ["a.jpg"], {"a.jpg"}),
        ("a.jpg.xmp", ["a.jpg", "a.cr2"], {"a.jpg"}),
        ("a.jpg.out.pp3", ["a.jpg", "a.cr2"], {"a.jpg"}),
        ("a_01.nef.xmp", ["a.nef"], {"a.nef"}),
        ("a_01.nef.xmp", ["a.nef", "a_01.nef"], {"a_01.nef"}),
        ("a.jpg(1).json", ["a.jpg", "a(1).jpg"], {"a(1).jpg"}),
        ("a.jpg.supplemental-metadata(2).json", ["a.jpg", "a(2).jpg"], {"a(2).jpg"}),
        ("a.jpg.supplemental-metadata.json", ["a.jpg", "a-edited.jpg"], {"a.jpg", "a-edited.jpg"}),
        ("a.jpg.json", ["a.jpg", "a-edited.jpg"], {"a.jpg", "a-edited.jpg"}),
        ("a.jpg.suppl.json", ["a.jpg"], {"a.jpg"}),
        (f"{LONG}.j.json", [f"{LONG}.jpg", f"{LONG[:-1]}.jpg"], {f"{LONG}.jpg"}),
        (f"{'x' * 46}.json", [f"{'x' * 60}.jpg", f"{'x' * 40}y.jpg"], {f"{'x' * 60}.jpg"}),
        ("IMG.MP", ["IMG.MP.jpg", "IMG.jpg"], {"IMG.MP.jpg", "IMG.jpg"}),
        ("notes.txt", ["notes.txt.jpg"], set()),
        ("ab.xmp", ["a.jpg"], set()),
        ("a.jpgx", ["a.jpg"], {"a.jpg"}),
    ],
)
def test_a_companion_belongs_to_whom_it_is_named_after(companion: str, pictures: list[str], owners: set[str]) -> None:
    folder = Folder([name.encode() for name in (companion, *pictures)])
    assert {owner.decode() for owner in folder.owners_of(companion.encode())} == owners
    for picture in pictures:
        assert (companion.encode() in folder.companions_of(picture.encode())) == (picture in owners)


def test_a_picture_is_nobodys_companion_also_where_its_name_does_not_say_so() -> None:
    folder = Folder([b"a.jpg", b"a.png", b"a"], [b"a"])
    assert [folder.companions_of(name) for name in (b"a.jpg", b"a.png", b"a")] == [[], [], []]


def test_raw_and_jpeg_of_one_name_are_one_shot() -> None:
    folder = Folder([b"a.CR2", b"A.jpg", b"b.jpg", b"b.png"])
    assert sorted(folder.shot_of(b"A.jpg")) == [b"A.jpg", b"a.CR2"]
    assert list(folder.shot_of(b"b.jpg")) == []


@pytest.mark.parametrize(
    ("companion", "beside"),
    [
        (b"b.jpg.xmp", b"a.heic.xmp"),
        (b"b.xmp", b"a.xmp"),
        (b"b.JPG.out.pp3", b"a.heic.out.pp3"),
        (b"b.c.wav", b"a.wav"),
        (b"\xff.jpg.dop", b"a.heic.dop"),
    ],
)
def test_a_companion_is_named_in_the_manner_of_the_removed_one(companion: bytes, beside: bytes) -> None:
    assert name_beside(companion, b"a.heic") == beside


def test_what_a_companion_is_stands_in_its_suffix() -> None:
    names = (b"a.XMP", b"a.json", b"a.thm", b"a.txt", b"a.pp3", b"a.xyz", b"a")
    assert [kind_of(name) for name in names] == [
        CompanionKind.XMP,
        CompanionKind.JSON,
        CompanionKind.THUMBNAIL,
        CompanionKind.ANNOTATION,
        CompanionKind.OWN,
        CompanionKind.UNKNOWN,
        CompanionKind.UNKNOWN,
    ]
