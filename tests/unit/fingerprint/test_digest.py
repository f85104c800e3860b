from __future__ import annotations

import io
import os

import pytest
from blake3 import blake3
from PIL import Image, ImageCms

from dedupctl.domain import Identity
from dedupctl.fingerprint.digest import (
    CHUNK_BYTES,
    ChangedWhileReading,
    NotRegular,
    digest_stream,
    jpeg_extras,
    jpeg_stream_digest,
    open_steady,
)


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def with_segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    """The same JPEG with one more segment right after its start."""
    return jpeg[:2] + segment(marker, payload) + jpeg[2:]


def test_the_digest_is_blake3_of_all_bytes_and_comes_with_the_identity(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2 * CHUNK_BYTES + 17))
    with open_steady(bytes(path)) as (file, identity):
        digest = digest_stream(file)
    assert digest == blake3(path.read_bytes()).digest()
    assert identity == Identity.of(path.stat())


def test_a_file_that_is_not_the_expected_one_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    found = Identity.of(path.stat())
    path.write_bytes(b"after, and longer")
    with pytest.raises(ChangedWhileReading), open_steady(bytes(path), found):
        pass


def test_a_file_written_to_while_it_is_read_is_noticed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    steady = open_steady(bytes(path))
    file, _ = steady.__enter__()
    file.read()
    with path.open("ab") as writer:
        writer.write(b"more")
    with pytest.raises(ChangedWhileReading):
        steady.__exit__(None, None, None)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegular), open_steady(bytes(tmp_path / "pipe")):
        pass


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 1}])
def test_metadata_do_not_change_the_stream_digest(scene, saved, options):
    plain = saved(scene(), "JPEG", **options)
    exif = Image.Exif()
    exif[0x010E] = "a description"
    described = saved(scene(), "JPEG", exif=exif.tobytes(), comment=b"a comment", dpi=(300, 300), **options)
    assert described != plain
    assert jpeg_stream_digest(described) == jpeg_stream_digest(plain) is not None
    xmp = with_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    assert jpeg_stream_digest(xmp) == jpeg_stream_digest(plain)


def test_other_pixels_change_the_stream_digest(scene, saved):
    assert jpeg_stream_digest(saved(scene(1), "JPEG")) != jpeg_stream_digest(saved(scene(2), "JPEG"))
    assert jpeg_stream_digest(saved(scene(1), "JPEG", quality=80)) != jpeg_stream_digest(saved(scene(1), "JPEG"))


def test_the_last_bytes_of_a_progressive_stream_count(scene, saved):
    jpeg = bytearray(saved(scene(), "JPEG", progressive=True))
    before = jpeg_stream_digest(bytes(jpeg))
    jpeg[-4] ^= 1
    assert jpeg_stream_digest(bytes(jpeg)) != before


def test_shown_another_way_up_it_is_another_stream(scene, saved):
    jpeg = saved(scene(), "JPEG")
    assert jpeg_stream_digest(jpeg, 1) != jpeg_stream_digest(jpeg, 6)


def test_a_profile_that_shows_other_colours_counts_and_srgb_does_not(scene, saved):
    plain = saved(scene(), "JPEG")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")  # red and green
    assert jpeg_stream_digest(saved(scene(), "JPEG", icc_profile=srgb)) == jpeg_stream_digest(plain)
    assert jpeg_stream_digest(saved(scene(), "JPEG", icc_profile=exchanged)) != jpeg_stream_digest(plain)


def test_an_adobe_marker_counts_only_where_it_changes_colours(scene, saved):
    bare = saved(scene(), "JPEG")
    bare = bare[:2] + bare[4 + int.from_bytes(bare[4:6], "big") :]  # without JFIF
    ycc = with_segment(bare, 0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    rgb = with_segment(bare, 0xEE, b"Adobe\0\x64\0\0\0\0\x00")
    assert Image.open(io.BytesIO(rgb)).getpixel((9, 9)) != Image.open(io.BytesIO(bare)).getpixel((9, 9))
    assert jpeg_stream_digest(ycc) == jpeg_stream_digest(bare)
    assert jpeg_stream_digest(rgb) != jpeg_stream_digest(bare)


def test_padding_after_the_end_is_nothing_but_a_second_picture_is(scene, saved):
    jpeg, second = saved(scene(1), "JPEG"), saved(scene(2), "JPEG")
    assert jpeg_stream_digest(jpeg + b"\0" * 512) == jpeg_stream_digest(jpeg)
    assert jpeg_extras(jpeg + b"\0" * 512) == jpeg_extras(jpeg) == b""
    assert jpeg_stream_digest(jpeg + second) != jpeg_stream_digest(jpeg)
    assert jpeg_extras(jpeg + second) == blake3(second).digest()


def test_an_mpo_has_a_stream_digest(scene, saved):
    mpo = saved(scene(1), "MPO", save_all=True, append_images=[scene(2)])
    assert jpeg_stream_digest(mpo) is not None
    assert jpeg_extras(mpo)


def test_what_has_no_end_has_no_stream_digest(scene, saved):
    jpeg = saved(scene(), "JPEG")
    assert jpeg_stream_digest(saved(scene(), "PNG")) is None
    assert all(jpeg_stream_digest(jpeg[:length]) is None for length in range(0, len(jpeg) - 1, 97))
