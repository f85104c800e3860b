"""What a decoder takes is told before it takes it, and a picture that would take too much is refused by its header."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from dedupctl.domain import Unreadable
from dedupctl.fingerprint.decode import SmallPicture, decode_small
from dedupctl.fingerprint.memory import loading
from dedupctl.fingerprint.pixels import decode_full
from dedupctl.fingerprint.unreadable import Limits, PictureError

SIDE = 2000
MEGABYTE = 1 << 20
NEEDED = {
    "JXL": (20, 60),
    "HEIF": (20, 60),
    "AVIF": (20, 60),
    "WEBP": (60, 90),
    "progressive JPEG": (20, 40),
    "GIF": (4, 20),
}
"""Megabytes that are too few for 4 megapixels, and such as are enough."""


def saved(name: str) -> bytes:
    picture = Image.effect_mandelbrot((SIDE, SIDE), (-3, -2.5, 2, 2.5), 20).convert("RGB")
    buffer = io.BytesIO()
    container = name.rpartition(" ")[2]
    options = {"progressive": True, "subsampling": 0} if container == "JPEG" else {}
    picture.save(buffer, container, **options)
    data = bytearray(buffer.getvalue())
    if container == "PNG":
        data[28] = 1  # only the header says so, and no more than it is looked at before it is refused
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("name", NEEDED)
def test_a_picture_is_refused_by_its_header_where_it_would_take_too_much(name: str) -> None:
    few, enough = NEEDED[name]
    data = saved(name)
    refused = decode_small(data, Limits(memory=few * MEGABYTE))
    assert isinstance(refused, Unreadable)
    assert refused.code == "memory"
    assert isinstance(decode_small(data, Limits(memory=enough * MEGABYTE)), SmallPicture)


def test_a_large_interlaced_png_is_not_decoded_in_search_of_its_exif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedupctl.fingerprint.strips.WORTH_IT", 1)
    monkeypatch.setattr(PngImageFile, "load", lambda _: pytest.fail("it was decoded"))
    refused = decode_small(saved("interlaced PNG"), Limits(memory=12 * MEGABYTE))
    assert isinstance(refused, Unreadable)
    assert refused.code == "memory"


def test_a_baseline_jpeg_of_the_same_size_is_not(scene, saved) -> None:
    data = saved(scene(1, (SIDE, SIDE)), "JPEG", subsampling=0)
    assert isinstance(decode_small(data, Limits(memory=12 * MEGABYTE)), SmallPicture)


def test_all_pixels_are_asked_for_only_where_there_is_room_for_them(tmp_path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (SIDE, SIDE), "teal").save(path)
    refused = decode_full(bytes(path), Limits(memory=30 * MEGABYTE))
    assert isinstance(refused, Unreadable)
    assert refused.code == "memory"
    assert not isinstance(decode_full(bytes(path), Limits(memory=60 * MEGABYTE)), Unreadable)


def test_a_decoder_that_fails_without_a_word_may_have_wanted_memory() -> None:
    with pytest.raises(PictureError) as large, loading((SIDE, SIDE), Limits(memory=20 * MEGABYTE)):
        raise ValueError("no")
    assert large.value.outcome.code == "memory"
    with pytest.raises(ValueError, match="no"), loading((SIDE, SIDE), Limits(memory=60 * MEGABYTE)):
        raise ValueError("no")
