"""A large picture read in strips is the picture read as a whole, bit for bit, and takes a fraction of the memory."""

from __future__ import annotations

import io
import resource
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dedupctl.domain import Unreadable
from dedupctl.fingerprint import strips as module
from dedupctl.fingerprint.decode import SmallPicture, decode_small
from dedupctl.fingerprint.unreadable import Limits

SIZE = (1500, 1031)
"""No multiple of the factor that it is shrunk by, which is 4."""


def grey() -> np.ndarray:
    across, down = np.arange(SIZE[0])[np.newaxis], np.arange(SIZE[1])[:, np.newaxis]
    return (((across * 5) ^ (down * 3)) >> 2).astype(np.uint8)


def coloured(mode: str) -> Image.Image:
    one = grey()
    rgb = Image.fromarray(np.stack((one, 255 - one, one[::-1]), axis=-1))
    if mode in {"RGBA", "LA"}:
        rgb.putalpha(Image.fromarray(one[:, ::-1].copy()))
    return rgb.convert(mode)


def saved(image: Image.Image, container: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def png16(channels: int) -> bytes:
    """A PNG of 16 bits a sample, each row predicted from the one above it; Pillow writes none in colour."""
    samples = np.random.default_rng(1).integers(0, 65536, (SIZE[1], SIZE[0], channels), np.uint16)
    lines = samples.astype(">u2").view(np.uint8).reshape(SIZE[1], -1)
    lines[1:] -= lines[:-1].copy()
    header = SIZE[0].to_bytes(4, "big") + SIZE[1].to_bytes(4, "big") + bytes((16, {3: 2, 4: 6}[channels], 0, 0, 0))
    filtered = b"".join((b"\2" if row else b"\0") + line.tobytes() for row, line in enumerate(lines))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(module._png_chunk(kind, data) for kind, data in chunks)


def tiff(mode: str = "RGB", **options: object) -> bytes:
    return saved(coloured(mode), "TIFF", **options)


def real() -> bytes:
    values = grey().astype(np.float32)
    values[:3] = (np.nan,), (np.inf,), (-7.0,)
    return saved(Image.fromarray(values), "TIFF", compression="tiff_adobe_deflate")


def tiled(start: bytes) -> bytes:
    """A TIFF of 16 bits in tiles of 128 x 96, in the byte order of `start`; Pillow writes none."""
    width, height, order = 128, 96, ">" if start[:1] == b"M" else "<"
    samples = np.pad(grey().astype(np.uint16) * 251, ((0, -SIZE[1] % height), (0, -SIZE[0] % width)))
    tiles = [
        zlib.compress(samples[top : top + height, left : left + width].astype(f"{order}u2").tobytes())
        for top in range(0, samples.shape[0], height)
        for left in range(0, samples.shape[1], width)
    ]
    directory = ImageFileDirectory_v2(start)
    values = {256: SIZE[0], 257: SIZE[1], 258: 16, 259: 8, 262: 1, 277: 1, 322: width, 323: height}
    for tag, value in values.items():
        directory[tag] = value
    directory.tagtype[324] = directory.tagtype[325] = 4
    directory[325] = tuple(map(len, tiles))
    directory[324] = (0,) * len(tiles)
    first = 8 + len(directory.tobytes(8))
    directory[324] = tuple(int(place) for place in np.cumsum([first, *map(len, tiles[:-1])]))
    return start + directory.tobytes(8) + b"".join(tiles)


FILES: dict[str, Callable[[], bytes]] = {
    **{f"PNG {mode}": lambda mode=mode: saved(coloured(mode), "PNG") for mode in ("RGB", "RGBA", "L", "LA", "P", "1")},
    "PNG of 16 colours": lambda: saved(coloured("RGB").quantize(16), "PNG", bits=4),
    "PNG with a colour that is clear": lambda: saved(coloured("P"), "PNG", transparency=7),
    "PNG 16 bits grey": lambda: saved(Image.fromarray(grey().astype(np.uint16) * 251), "PNG"),
    "PNG 16 bits RGB": lambda: png16(3),
    "PNG 16 bits RGBA": lambda: png16(4),
    **{f"BMP {mode}": lambda mode=mode: saved(coloured(mode), "BMP") for mode in ("RGB", "L", "P", "1")},
    **{f"TIFF {mode}": lambda mode=mode: tiff(mode) for mode in ("RGB", "RGBA", "L", "P", "CMYK", "LAB", "1")},
    **{
        f"TIFF {name}": lambda name=name: tiff(compression=name)
        for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    },
    "TIFF of large strips": lambda: tiff(compression="tiff_lzw", strip_size=1 << 20),
    "TIFF fax": lambda: tiff("1", compression="group4"),
    "TIFF with prediction": lambda: tiff(compression="tiff_lzw", tiffinfo={317: 2}),
    "TIFF in one uncompressed strip": lambda: tiff(tiffinfo={278: SIZE[1]}),
    "TIFF of real numbers": real,
    "TIFF in tiles": lambda: tiled(b"II*\0\x08\0\0\0"),
    "TIFF in tiles, big endian": lambda: tiled(b"MM\0*\0\0\0\x08"),
}


@pytest.fixture
def in_strips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Reads everything in strips of some 50 rows, and notes for each picture how many there were."""
    counts: list[int] = []
    as_it_is = module.strips

    def noting(*arguments: object) -> object:
        found = as_it_is(*arguments)
        if found is None:
            return None
        every = list(found)
        counts.append(len(every))
        return iter(every)

    monkeypatch.setattr(module, "WORTH_IT", 1)
    monkeypatch.setattr(module, "STRIP_PIXELS", 50 * SIZE[0])
    monkeypatch.setattr("dedupctl.fingerprint.decode.strips", noting)
    return counts


def decoded(data: bytes) -> SmallPicture:
    small = decode_small(data)
    assert isinstance(small, SmallPicture), small
    return small


@pytest.mark.parametrize("name", FILES)
def test_strips_show_what_the_whole_shows(name: str, in_strips: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = FILES[name]()
    read = decoded(data)
    assert in_strips[0] > 3
    monkeypatch.setattr(module, "WORTH_IT", 1 << 40)
    whole = decoded(data)
    assert len(in_strips) == 1
    assert read.image.size == (375, 258)
    assert np.array_equal(np.asarray(read.image), np.asarray(whole.image))
    assert read.facts == whole.facts


@pytest.mark.parametrize("container", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_strips_are_turned_as_exif_says(container: str, orientation: int, in_strips: list[int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = decoded(saved(coloured("RGB"), container, exif=exif.tobytes()))
    assert in_strips
    straight = decoded(saved(coloured("RGB"), container)).image
    turn = Image.Transpose.ROTATE_180 if orientation == 3 else Image.Transpose.ROTATE_270
    assert np.array_equal(np.asarray(read.image), np.asarray(straight.transpose(turn)))


def test_exif_after_the_pixels_of_a_png_is_found(in_strips: list[int]) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "late"
    data = saved(coloured("RGB"), "PNG")
    late = data[:-12] + module._png_chunk(b"eXIf", exif.tobytes()[6:]) + data[-12:]
    assert (decoded(late).facts.camera, decoded(late).facts.orientation) == ("late", 6)
    assert in_strips


@pytest.mark.parametrize("name", ["PNG RGB", "PNG 16 bits RGB", "BMP RGB", "TIFF RGB"])
@pytest.mark.usefixtures("in_strips")
def test_a_file_that_ends_early_says_so(name: str) -> None:
    data = FILES[name]()
    outcome = decode_small(data[: len(data) // 2])
    assert isinstance(outcome, Unreadable)
    assert outcome.code == "truncated"


def test_an_interlaced_png_is_read_as_a_whole(in_strips: list[int]) -> None:
    """Adam7 in its simplest form: Pillow writes none, so the header alone is changed, and the pixels do not follow."""
    data = bytearray(saved(coloured("L"), "PNG"))
    data[28] = 1
    decode_small(bytes(data))
    assert not in_strips


@pytest.mark.parametrize("name", ["PNG RGB", "TIFF tiff_lzw", "TIFF RGB", "BMP RGB"])
def test_of_a_large_picture_only_strips_are_in_memory(name: str) -> None:
    """50 megapixels take 200 MB as a whole."""
    container, _, option = name.partition(" ")
    options = {} if option == "RGB" else {"compression": option}
    data = saved(Image.new("RGB", (10_000, 5_000), "teal"), container, **options)
    assert isinstance(decode_small(data, Limits(memory=1 << 20)), SmallPicture), "as a whole it would be refused"
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/statm", "rb") as file:
        held = int(file.read().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + (100 << 20), before[1]))
    try:
        outcome = decode_small(data)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    assert isinstance(outcome, SmallPicture), outcome
