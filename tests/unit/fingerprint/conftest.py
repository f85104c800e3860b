"""Pictures to test with, rendered here: nothing is read from anywhere else."""

from __future__ import annotations

import io
import random
import struct
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401 (registers the writer of JPEG XL)
import pytest
from PIL import Image, ImageDraw

Scene = Callable[..., Image.Image]
Saved = Callable[..., bytes]

ORIENTATION = 0x0112


@pytest.fixture(scope="session", autouse=True)
def heif_writer() -> None:
    pillow_heif.register_heif_opener()


def render_scene(seed: int = 0, size: tuple[int, int] = (480, 320)) -> Image.Image:
    """A picture of many shapes on a gradient, alike to itself in no other orientation."""
    rng = random.Random(seed)
    width, height = size
    shade = np.linspace(40, 200, width)[np.newaxis, :] + np.linspace(-30, 30, height)[:, np.newaxis]
    image = Image.fromarray(np.repeat(shade[:, :, np.newaxis], 3, axis=2).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = rng.randrange(width), rng.randrange(height)
        box = (x, y, x + rng.randrange(8, 2 + width // 3), y + rng.randrange(8, 2 + height // 3))
        colour = tuple(rng.randrange(256) for _ in range(3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return image


def save(image: Image.Image, container: str, orientation: int | None = None, **options: Any) -> bytes:
    """The bytes of a file of `image`; `orientation` goes into its EXIF."""
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif.tobytes()
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


@pytest.fixture
def scene() -> Scene:
    return render_scene


@pytest.fixture
def saved() -> Saved:
    return save


@pytest.fixture
def repacked_jpeg(tmp_path: Any) -> Callable[[bytes], bytes]:
    """A JPEG packed losslessly into a JPEG XL."""

    def pack(jpeg: bytes) -> bytes:
        (tmp_path / "source.jpg").write_bytes(jpeg)
        with warnings.catch_warnings(), Image.open(tmp_path / "source.jpg") as image:
            warnings.simplefilter("ignore")  # the writer announces that it does so
            return save(image, "JXL")

    return pack


@pytest.fixture
def dng() -> Callable[..., bytes]:
    """A raw file in DNG: a grey mosaic, with a JPEG preview in front of it if one is given."""
    return make_dng


def make_dng(mosaic: np.ndarray, preview: bytes | None = None, orientation: int = 1) -> bytes:
    height, width = mosaic.shape
    sensor = mosaic.astype("<u2").tobytes()
    raw_tags = {
        254: ("I", [0]), 256: ("I", [width]), 257: ("I", [height]), 258: ("H", [16]), 259: ("H", [1]),
        262: ("H", [32803]), 273: ("I", [0]), 277: ("H", [1]), 278: ("I", [height]), 279: ("I", [len(sensor)]),
        33421: ("H", [2, 2]), 33422: ("B", [0, 1, 1, 2]), 50714: ("H", [0]), 50717: ("I", [65535]),
    }  # fmt: skip
    main_tags = {
        271: ("s", [b"Rendered\0"]), 272: ("s", [b"Sensor\0"]), 274: ("H", [orientation]),
        50706: ("B", [1, 4, 0, 0]), 50707: ("B", [1, 1, 0, 0]), 50708: ("s", [b"Rendered Sensor\0"]),
        50721: ("r", [1, 0, 0, 0, 1, 0, 0, 0, 1]), 50728: ("R", [1, 1, 1]), 50778: ("H", [21]),
    }  # fmt: skip
    if preview is None:
        return _tiff([({**raw_tags, **main_tags}, sensor)])
    with Image.open(io.BytesIO(preview)) as image:
        size = image.size
    preview_tags = {
        254: ("I", [1]), 256: ("I", [size[0]]), 257: ("I", [size[1]]), 258: ("H", [8, 8, 8]), 259: ("H", [7]),
        262: ("H", [6]), 273: ("I", [0]), 277: ("H", [3]), 278: ("I", [size[1]]), 279: ("I", [len(preview)]),
        330: ("I", [0]),
    }  # fmt: skip
    return _tiff([({**preview_tags, **main_tags}, preview), (raw_tags, sensor)])


def _tiff(directories: list[tuple[dict[int, tuple[str, list[Any]]], bytes]]) -> bytes:
    """A little-endian TIFF: each directory with one strip; the second, if any, hangs under the first as a sub-IFD."""
    kinds = {"B": (1, "B"), "s": (2, ""), "H": (3, "H"), "I": (4, "I"), "R": (5, ""), "r": (10, "")}
    place, offsets = 8, []
    for tags, strip in directories:
        offsets.append(place)
        place += 6 + 12 * len(tags) + 256 + len(strip)
    out = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    for (tags, strip), start in zip(directories, offsets, strict=True):
        spill_at = start + 6 + 12 * len(tags)
        entries, spill = b"", b""
        for tag, (kind, given) in sorted(tags.items()):
            number, code = kinds[kind]
            values = [spill_at + 256] if tag == 273 else [offsets[1]] if tag == 330 else given
            if kind == "s":
                raw, count = values[0], len(values[0])
            elif kind in "Rr":
                raw, count = b"".join(struct.pack("<II", value, 1) for value in values), len(values)
            else:
                raw, count = struct.pack(f"<{len(values)}{code}", *values), len(values)
            if len(raw) > 4:
                spill, raw = spill + raw, struct.pack("<I", spill_at + len(spill))
            entries += struct.pack("<HHI4s", tag, number, count, raw)
        assert len(spill) <= 256
        out += struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + spill.ljust(256, b"\0") + strip
    return bytes(out)
