from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dedupctl.domain import Identity, Unreadable
from dedupctl.fingerprint.unreadable import Limits
from dedupctl.fingerprint.view import exif_of, view_of

LIMITS = Limits(max_pixels=10**9)
RED, BLUE = (200, 30, 30), (30, 30, 200)


def saved(path: Path, size: tuple[int, int] = (400, 200), **options: object) -> tuple[bytes, Identity]:
    """A picture, red at the left and blue at the right."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    picture.save(path, **options)  # type: ignore[arg-type]
    return os.fsencode(path), Identity.of(path.stat())


def shown(path: bytes, identity: Identity, longest: int = 100) -> Image.Image:
    made = view_of(path, identity, longest=longest, limits=LIMITS)
    assert isinstance(made, bytes)
    return Image.open(io.BytesIO(made))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_any_format_becomes_a_jpeg_of_the_asked_size(tmp_path: Path, name: str) -> None:
    picture = shown(*saved(tmp_path / name))
    assert (picture.format, picture.size) == ("JPEG", (100, 50))


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    assert shown(*saved(tmp_path / "a.png", (40, 20))).size == (40, 20)


def test_it_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    picture = shown(*saved(tmp_path / "a.jpg", exif=exif, quality=95))
    assert picture.size == (50, 100)
    assert np.allclose(picture.getpixel((25, 10)), RED, atol=12)
    assert np.allclose(picture.getpixel((25, 90)), BLUE, atol=12)


def test_another_file_at_the_path_is_not_shown(tmp_path: Path) -> None:
    path, identity = saved(tmp_path / "a.png")
    saved(tmp_path / "b.png", (60, 60))
    (tmp_path / "b.png").replace(tmp_path / "a.png")
    for found in (view_of(path, identity, longest=100, limits=LIMITS), exif_of(path, identity, limits=LIMITS)):
        assert isinstance(found, Unreadable)
        assert found.code == "changed"


def test_exif_is_told_by_name_and_in_words(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker\0  of cameras"
    exif.get_ifd(0x8769)[0x829D] = 2.8
    exif.get_ifd(0x8769)[0x9286] = b"\0" * 300
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    exif.get_ifd(0x8769)[0xA005] = 948
    found = exif_of(*saved(tmp_path / "a.jpg", exif=exif), limits=LIMITS)
    assert not isinstance(found, Unreadable)
    assert found["Make"] == "Maker of cameras"
    assert (found["FNumber"], found["UserComment"]) == ("2.8", "300 bytes")
    assert found["GPSLatitude"] == "52.0, 30.0, 0.0"
    assert not found.keys() & {"ExifOffset", "ExifInteroperabilityOffset"}


def test_a_broken_file_has_neither_view_nor_exif(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 broken")
    identity = Identity.of(path.stat())
    assert isinstance(view_of(os.fsencode(path), identity, longest=100, limits=LIMITS), Unreadable)
    assert isinstance(exif_of(os.fsencode(path), identity, limits=LIMITS), Unreadable)
