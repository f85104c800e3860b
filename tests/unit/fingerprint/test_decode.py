from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from dedupctl.domain import Unreadable
from dedupctl.fingerprint.decode import SMALL_SIDE, SmallPicture, decode_small
from dedupctl.fingerprint.jxl import read_header
from dedupctl.fingerprint.unreadable import Limits

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "JXL"]


def decoded(data: bytes) -> SmallPicture:
    small = decode_small(data)
    assert isinstance(small, SmallPicture), small
    return small


def code_of(data: bytes, **options: int) -> str:
    outcome = decode_small(data, **options)
    assert isinstance(outcome, Unreadable)
    return outcome.code


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in levels of 255, of pictures brought to one size; 0 for equal ones."""
    assert abs(one.width / one.height - other.width / other.height) < 0.02
    size = (96, 96)
    return max(ImageStat.Stat(ImageChops.difference(one.resize(size, 4), other.resize(size, 4))).mean)


def shown(image: Image.Image, orientation: int) -> Image.Image:
    """What Pillow itself makes of this EXIF orientation."""
    steps = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_90],
        6: [Image.Transpose.ROTATE_270],
        7: [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_270],
        8: [Image.Transpose.ROTATE_90],
    }
    for step in steps.get(orientation, []):
        image = image.transpose(step)
    return image


@pytest.mark.parametrize("container", [*FORMATS, "GIF", "BMP", "JPEG2000"])
def test_every_format_shows_its_picture(scene, saved, container):
    picture = scene(1)
    small = decoded(saved(picture, container))
    assert small.image.mode == "RGB"
    assert small.facts.format == container
    assert (small.facts.width, small.facts.height) == picture.size
    assert difference(small.image, picture) < 6


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_exactly_once(scene, saved, container, orientation):
    picture = scene(2, (360, 240))
    small = decoded(saved(picture, container, orientation))
    upright = shown(picture, orientation)
    assert difference(small.image, upright) < 4
    assert (small.facts.width, small.facts.height) == upright.size
    assert small.facts.orientation == orientation


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_jpeg_repacked_as_jpeg_xl_keeps_its_orientation(scene, saved, repacked_jpeg, orientation):
    jpeg = saved(scene(2), "JPEG", orientation)
    small = decoded(repacked_jpeg(jpeg))
    assert small.facts.format == "JXL"
    assert difference(small.image, decoded(jpeg).image) == 0


def test_a_nonsense_orientation_is_none(scene, saved):
    assert decoded(saved(scene(), "JPEG", 9)).facts.orientation == 1


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "JPEG2000", "JXL"])
def test_a_large_picture_becomes_small_and_keeps_its_true_size_in_the_facts(scene, saved, container):
    picture = scene(3, (2100, 1400))
    small = decoded(saved(picture, container))
    assert SMALL_SIDE <= min(small.image.size) < 2 * SMALL_SIDE
    assert (small.facts.width, small.facts.height) == picture.size
    assert difference(small.image, picture) < 4


def test_a_small_picture_is_left_as_it_is(scene, saved):
    picture = scene(4, (90, 60))
    assert ImageChops.difference(decoded(saved(picture, "PNG")).image, picture).getbbox() is None


def test_a_panorama_keeps_its_shorter_side(scene, saved):
    assert decoded(saved(scene(4, (3000, 300)), "JPEG")).image.size == (3000, 300)


def test_cmyk_is_shown_in_its_colours(saved):
    red = Image.new("CMYK", (300, 300), (0, 255, 255, 0))
    for container in ("JPEG", "TIFF"):
        red_level, green_level, blue_level = decoded(saved(red, container)).image.getpixel((150, 150))
        assert red_level > 240
        assert max(green_level, blue_level) < 20


@pytest.mark.parametrize("container", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(saved, container):
    ramp = np.tile(np.linspace(0, 65535, 300).astype(np.uint16), (300, 1))
    small = np.asarray(decoded(saved(Image.fromarray(ramp), container)).image)[:, :, 0]
    assert np.abs(small[0].astype(int) - np.linspace(0, 255, 300)).max() <= 1


def test_floating_point_is_shown_by_its_own_range(saved):
    ramp = np.tile(np.linspace(0, 1, 300, dtype=np.float32), (300, 1))
    small = np.asarray(decoded(saved(Image.fromarray(ramp), "TIFF")).image)[:, :, 0]
    assert small[0, 0] == 0
    assert small[0, -1] == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparency_is_laid_over_white(saved, mode):
    picture = Image.new("RGBA", (300, 300), (0, 0, 200, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 150, 300))
    options = {"transparency": (0, 0, 0)} if mode == "RGB" else {}
    picture = picture.quantize(8) if mode == "P" else picture.convert(mode)
    small = decoded(saved(picture, "PNG", **options)).image
    assert small.getpixel((20, 150)) == (255, 255, 255)
    assert small.getpixel((280, 150)) != (255, 255, 255)


def test_an_animation_shows_its_first_frame(scene, saved):
    frames = [scene(seed, (300, 200)) for seed in (5, 6, 7)]
    for container in ("GIF", "WEBP", "PNG"):
        data = saved(frames[0], container, save_all=True, append_images=frames[1:])
        assert difference(decoded(data).image, frames[0]) < 6


def test_an_mpo_shows_its_first_picture(scene, saved):
    small = decoded(saved(scene(1), "MPO", save_all=True, append_images=[scene(2)]))
    assert small.facts.format == "MPO"
    assert difference(small.image, scene(1)) < 4


def test_raw_shows_the_preview_of_the_camera_turned_as_the_raw_says(scene, saved, dng):
    preview = scene(1, (480, 320))
    small = decoded(dng(np.full((400, 600), 30000, np.uint16), saved(preview, "JPEG"), 6))
    assert small.facts.format == "RAW"
    assert (small.facts.width, small.facts.height) == (400, 600)
    assert small.facts.orientation == 6
    assert difference(small.image, shown(preview, 6)) < 4


def test_a_preview_with_an_orientation_of_its_own_is_turned_once(scene, saved, dng):
    preview = scene(1, (480, 320))
    small = decoded(dng(np.full((400, 600), 30000, np.uint16), saved(preview, "JPEG", 6), 6))
    assert difference(small.image, shown(preview, 6)) < 4


@pytest.mark.parametrize("orientation", [1, 6])
def test_raw_without_a_usable_preview_is_developed(scene, dng, orientation):
    picture = scene(1, (800, 600))
    small = decoded(dng(np.asarray(picture.convert("L")).astype(np.uint16) * 200, orientation=orientation))
    turned = shown(picture, orientation)
    assert small.facts.format == "RAW"
    assert (small.facts.width, small.facts.height) == turned.size
    grey = [np.asarray(one.convert("L").resize((32, 32)), float).ravel() for one in (small.image, turned)]
    assert np.corrcoef(*grey)[0, 1] > 0.95


def test_the_format_is_told_by_content_whatever_the_name(tmp_path, scene, saved):
    path = tmp_path / "photo.png"
    path.write_bytes(saved(scene(), "JPEG"))
    with path.open("rb") as file:
        assert decode_small(file).facts.format == "JPEG"


def test_exif_facts_are_read(saved, scene):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model 3\0"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 08:30:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 30.0, 0.0), 3: "E", 4: (8.0, 45.0, 0.0)})
    facts = decoded(saved(scene(), "JPEG", exif=exif.tobytes())).facts
    assert (facts.camera, facts.taken_at) == ("Maker Model 3", "2024-05-17T08:30:00")
    assert facts.has_gps
    assert facts.exif_tags >= 7


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"just some words, and enough of them to fill a header" * 3, "not-an-image"),
     (b"\xff\xd8\xff\xe0", "corrupt"), (b"\x89PNG\r\n\x1a\n", "corrupt"), (b"\xff\x0a", "truncated"),
     (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200, "corrupt")],
)  # fmt: skip
def test_what_holds_no_picture_says_so(data, code):
    assert code_of(data) == code


@pytest.mark.parametrize("container", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_a_picture_cut_off_is_truncated(scene, saved, container):
    data = saved(scene(), container)
    assert code_of(data[: len(data) * 2 // 3]) == "truncated"


@pytest.mark.parametrize("container", ["WEBP", "AVIF", "HEIF", "JXL", "JPEG2000"])
def test_a_picture_cut_off_is_unreadable_in_every_format(scene, saved, container):
    data = saved(scene(), container)
    assert code_of(data[: len(data) // 2]) in {"truncated", "corrupt"}


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    )


def test_a_giant_is_refused_by_its_header():
    assert code_of(png_header(100_000, 100_000)) == "too-large"


@pytest.mark.parametrize("container", [*FORMATS, "GIF", "BMP", "JPEG2000"])
def test_the_limit_counts_pixels_in_every_format(scene, saved, container):
    data = saved(scene(1, (64, 48)), container)
    assert code_of(data, limits=Limits(max_pixels=64 * 48 - 1)) == "too-large"
    assert isinstance(decode_small(data, limits=Limits(max_pixels=64 * 48)), SmallPicture)


def test_pillows_own_guard_does_not_get_in_the_way(saved):
    """A page of 200 megapixels is more than Pillow allows by itself."""
    small = decoded(saved(Image.new("1", (20_000, 10_000)), "TIFF", compression="group4"))
    assert (small.facts.width, small.facts.height) == (20_000, 10_000)


@pytest.mark.parametrize("size", [(8, 8), (64, 48), (300, 200), (333, 1), (5000, 41)])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(saved, size):
    for lossless in (True, False):
        header = read_header(saved(Image.new("RGB", size, "teal"), "JXL", lossless=lossless))
        assert (header.width, header.height, header.bits) == (*size, 8)


def test_damaged_files_of_every_kind_never_raise(scene, saved, dng):
    rng = np.random.default_rng(7)
    files = [saved(scene(1, (120, 80)), container, 6) for container in FORMATS]
    files += [saved(scene(1, (120, 80)), container) for container in ("GIF", "BMP", "JPEG2000")]
    files.append(dng(np.full((60, 80), 999, np.uint16), saved(scene(1, (90, 60)), "JPEG")))
    for data in files:
        for _ in range(15):
            broken = bytearray(data)
            for place in rng.integers(0, min(len(data), 600), 6):
                broken[place] = rng.integers(256)
            outcome = decode_small(io.BytesIO(bytes(broken)), limits=Limits(max_pixels=4_000_000))
            assert isinstance(outcome, SmallPicture) or outcome.code
