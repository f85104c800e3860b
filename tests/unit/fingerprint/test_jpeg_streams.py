from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from dedupctl.config import Config
from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read
from dedupctl.fingerprint.jpeg_streams import stream_digest_of, streams_equal


def jpeg(grey: int = 128, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    packed = io.BytesIO()
    Image.linear_gradient("L").point(lambda value: min(255, value // 2 + grey)).save(packed, "JPEG", exif=exif)
    return packed.getvalue()


def commented(data: bytes) -> bytes:
    return data[:2] + b"\xff\xfe\x00\x07hello" + data[2:]


def written(folder: Path, name: str, data: bytes) -> bytes:
    (folder / name).write_bytes(data)
    return os.fsencode(folder / name)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (commented(jpeg()), True),
        (jpeg(orientation=6), False),
        (jpeg(grey=60), False),
        (jpeg()[:200], False),
        (b"no picture", False),
    ],
)
def test_only_what_shows_the_same_has_the_same_stream(tmp_path: Path, other: bytes, equal: bool) -> None:
    one = written(tmp_path, "one.jpg", jpeg())

    assert streams_equal(one, written(tmp_path, "other.jpg", other)) is equal


def test_two_files_without_a_stream_are_not_equal(tmp_path: Path) -> None:
    text = written(tmp_path, "text.jpg", b"no picture")

    assert not streams_equal(text, text)
    assert not streams_equal(b"/not/there.jpg", b"/not/there.jpg")


def test_it_is_the_digest_the_catalog_holds(tmp_path: Path) -> None:
    path = written(tmp_path, "one.jpg", jpeg(orientation=6))

    read = Fingerprinter(Config()).read(path)

    assert isinstance(read, Read)
    assert read.fingerprint is not None
    assert read.fingerprint.stream_digest == stream_digest_of(path)
