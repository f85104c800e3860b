from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from dedupctl.domain import Unreadable
from dedupctl.fingerprint.pixels import FullPicture, decode_full, pixel_digest, pixels_equal
from dedupctl.fingerprint.unreadable import Limits


def surely_equal(path_a: bytes, path_b: bytes) -> bool:
    """An Unreadable would pass for true."""
    return pixels_equal(path_a, path_b) is True


@pytest.fixture
def put(tmp_path):
    """Writes bytes into a new file and returns its path."""
    count = iter(range(1000))

    def write(data: bytes) -> bytes:
        path = tmp_path / f"picture{next(count)}"
        path.write_bytes(data)
        return bytes(path)

    return write


def png16(samples: np.ndarray) -> bytes:
    """A PNG of 16 bits a sample, which Pillow cannot write for colour."""
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def tiff16(samples: np.ndarray, order: str) -> bytes:
    """An uncompressed TIFF of 16 bits a sample in either byte order."""
    height, width, channels = samples.shape
    mark, code = {"<": (b"II", "<"), ">": (b"MM", ">")}[order]
    strip = samples.astype(f"{order}u2").tobytes()
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, 8 + 2 + 12 * 9 + 4), (259, 3, 1, 1)]
    entries += [(262, 3, 1, 2), (273, 4, 1, 8 + 2 + 12 * 9 + 4 + 2 * channels), (277, 3, 1, channels)]
    entries += [(278, 3, 1, height), (279, 4, 1, len(strip))]
    out = struct.pack(f"{code}2sHIH", mark, 42, 8, len(entries))
    for tag, kind, number, value in entries:
        short = kind == 3 and number == 1
        out += struct.pack(f"{code}HHI", tag, kind, number) + struct.pack(
            f"{code}HH" if short else f"{code}I", *([value, 0] if short else [value])
        )
    return out + b"\0\0\0\0" + struct.pack(f"{code}{channels}H", *[16] * channels) + strip


LOSSLESS = [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}),
            ("JXL", {"lossless": True}), ("JPEG2000", {"irreversible": False})]  # fmt: skip


@pytest.mark.parametrize(("container", "options"), LOSSLESS)
def test_a_lossless_container_holds_the_same_pixels(scene, saved, put, container, options):
    assert surely_equal(put(saved(scene(), "PNG")), put(saved(scene(), container, **options)))


def test_metadata_are_no_pixels(scene, saved, put):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    for container in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"):
        plain, described = (put(saved(scene(), container, **more)) for more in ({}, {"exif": exif.tobytes()}))
        assert surely_equal(plain, described), container


def test_a_jpeg_and_its_decoded_pixels_are_the_same(scene, saved, put):
    jpeg = put(saved(scene(), "JPEG"))
    decoded = Image.fromarray(decode_full(jpeg).pixels)
    assert surely_equal(jpeg, put(saved(decoded, "PNG")))
    assert not surely_equal(jpeg, put(saved(scene(), "PNG")))


def test_one_level_in_one_pixel_makes_a_difference(scene, saved, put):
    touched = scene()
    red, green, blue = touched.getpixel((100, 100))
    touched.putpixel((100, 100), (red, green, blue ^ 1))
    assert not surely_equal(put(saved(scene(), "PNG")), put(saved(touched, "PNG")))


@pytest.mark.parametrize("container", ["PNG", "TIFF", "JPEG", "HEIF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_way_up_counts(scene, saved, put, container, orientation):
    turned = put(saved(scene(), container, orientation))
    assert not surely_equal(put(saved(scene(), container)), turned)
    upright = Image.fromarray(decode_full(turned).pixels)
    assert surely_equal(turned, put(saved(upright, "PNG")))


def test_grey_and_palette_are_compared_by_what_they_show(scene, saved, put):
    grey = scene().convert("L")
    assert surely_equal(put(saved(grey, "PNG")), put(saved(grey.convert("RGB"), "PNG")))
    palette = scene().quantize(32)
    assert surely_equal(put(saved(palette, "PNG")), put(saved(palette.convert("RGB"), "BMP")))


def test_an_alpha_that_hides_nothing_is_none(scene, saved, put):
    opaque = scene().convert("RGBA")
    assert surely_equal(put(saved(opaque, "PNG")), put(saved(scene(), "PNG")))
    opaque.putpixel((5, 5), (0, 0, 0, 254))
    assert not surely_equal(put(saved(opaque, "PNG")), put(saved(scene(), "PNG")))


def test_a_profile_that_shows_other_colours_counts(scene, saved, put):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    plain = put(saved(scene(), "PNG"))
    assert surely_equal(plain, put(saved(scene(), "PNG", icc_profile=srgb)))
    assert not surely_equal(plain, put(saved(scene(), "PNG", icc_profile=exchanged)))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_samples_are_kept_to_the_last_bit(put, channels):
    samples = np.random.default_rng(channels).integers(0, 65536, (20, 30, channels), dtype=np.uint16)
    full = decode_full(put(png16(samples)))
    assert full.pixels.dtype == np.uint16
    assert (full.pixels == samples).all()
    touched = samples.copy()
    touched[7, 9, 0] ^= 1
    assert not surely_equal(put(png16(samples)), put(png16(touched)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_is_the_same_as_16_bit_png(put, order):
    samples = np.random.default_rng(3).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    assert surely_equal(put(tiff16(samples, order)), put(png16(samples)))
    samples[7, 9, 0] ^= 1
    assert not surely_equal(put(tiff16(samples, order)), put(png16(samples ^ 256)))


def test_depth_that_no_decoder_hands_out_is_never_equal(put):
    samples = np.zeros((20, 30, 2), np.uint16)  # grey with alpha
    path = put(png16(samples))
    assert decode_full(path).code == "unsupported"
    assert not surely_equal(path, path)


@pytest.mark.parametrize("container", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_or_pages_are_never_equal(scene, saved, put, container):
    frames = [scene(1), scene(2)]
    several = put(saved(frames[0], container, save_all=True, append_images=frames[1:]))
    assert decode_full(several).code == "unsupported"
    assert not surely_equal(several, put(saved(frames[0], "PNG")))


def test_what_an_mpo_carries_besides_its_first_picture_counts(scene, saved, put):
    alone = put(saved(scene(1), "JPEG"))
    one, other = (put(saved(scene(1), "MPO", save_all=True, append_images=[scene(seed)])) for seed in (2, 3))
    assert not surely_equal(alone, one)
    assert not surely_equal(one, other)
    assert surely_equal(one, one)


def test_raw_is_never_equal(dng, put):
    path = put(dng(np.full((40, 60), 999, np.uint16)))
    assert not surely_equal(path, path)


def test_cmyk_is_compared_as_it_is(saved, put):
    red, dark = (Image.new("CMYK", (30, 30), inks) for inks in ((0, 255, 255, 0), (0, 255, 255, 1)))
    assert decode_full(put(saved(red, "TIFF"))).colours == "CMYK"
    assert surely_equal(put(saved(red, "TIFF")), put(saved(red, "TIFF", compression="tiff_lzw")))
    assert not surely_equal(put(saved(red, "TIFF")), put(saved(dark, "TIFF")))


def test_what_cannot_be_read_is_never_equal(tmp_path, scene, saved, put):
    gone = bytes(tmp_path / "gone")
    assert pixel_digest(gone) == Unreadable("vanished", "the file no longer exists")
    assert not surely_equal(gone, gone)
    broken = put(saved(scene(), "PNG")[:-3000])
    assert not surely_equal(broken, broken)


def test_the_limit_holds(scene, saved, put):
    path = put(saved(scene(), "PNG"))
    assert decode_full(path, limits=Limits(max_pixels=1000)).code == "too-large"
    assert isinstance(decode_full(path), FullPicture)
