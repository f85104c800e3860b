"""Decoding large pictures in strips, if the format allows: as a whole, a panorama of 512 megapixels takes 2 GB.

No decoder here returns single rows. So each strip is turned into a small picture that Pillow can decode: the rows as
they are in the file, the same rows of a PNG in another PNG, the strips or tiles of a TIFF in another TIFF.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin, TiffTags
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from dedupctl.fingerprint.unreadable import PictureError

WORTH_IT = 40_000_000
"""Pixels from which a picture is read in strips. Smaller ones are up to twice as fast as a whole, and take 160 MB."""
STRIP_PIXELS = 1_000_000

_CHUNK_BYTES = 1 << 18
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6, 6: 2, 8: 6}
"""PNG colour type by the distance between a byte and the byte from which it is predicted."""
_PNG_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA", 6: "RGB", 8: "RGBA"}

_TIFF_WIDTH, _TIFF_LENGTH, _TIFF_COMPRESSION, _TIFF_ROWS, _TIFF_PLANAR = 256, 257, 259, 278, 284
_TIFF_STRIPS, _TIFF_TILES = (273, 279), (324, 325)
_TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 322, 323
_TIFF_OLD_JPEG = 6
_TIFF_UNIT_PIXELS = 16_000_000
"""Maximum number of pixels that are compressed together; with more of them, strips gain nothing."""
_TIFF_COPIED = (256, 258, 259, 262, 266, 277, 284, 292, 293, 317, 320, 322, 323, 332, 338, 339, 347, 529, 530, 531, 532)
"""The tags that say how the samples are stored. Not the orientation, which is applied once to the whole picture."""


def is_large(image: Image.Image) -> bool:
    """Whether the picture is large enough to be decoded in strips."""
    return image.width * image.height >= WORTH_IT


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as stored in the file; for a TIFF, Pillow returns those after applying the orientation."""
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2[_TIFF_WIDTH]), int(image.tag_v2[_TIFF_LENGTH])
    return image.size


def strips(image: Image.Image, file: BinaryIO, multiple: int) -> Iterator[Image.Image] | None:
    """The strips, from top to bottom, of a picture whose header was read from `file`; None if it must be read whole.

    The number of rows in each strip except the last is a multiple of `multiple`. The EXIF orientation is not applied.
    """
    if not isinstance(image, ImageFile) or not is_large(image):
        return None
    rows = max(1, STRIP_PIXELS // stored_size(image)[0] // multiple) * multiple
    if isinstance(image, PngImageFile):
        return None if image.info.get("interlace") else _png_strips(image, file, rows)
    if _has_plain_rows(image):
        return _plain_strips(image, file, rows)
    if isinstance(image, TiffImageFile) and (height := _tiff_unit(image)):
        return _regrouped(image, _tiff_strips(image, file, max(1, rows // height) * height), multiple)
    return None


def crops(image: Image.Image, multiple: int) -> Iterator[Image.Image]:
    """The strips of a picture that is already loaded."""
    rows = max(1, STRIP_PIXELS // image.width // multiple) * multiple
    if image.height <= rows:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _regrouped(image: Image.Image, parts: Iterator[Image.Image], multiple: int) -> Iterator[Image.Image]:
    """The same rows in strips whose number of rows is a multiple of `multiple`."""
    rest: Image.Image | None = None
    for part in parts:
        joined = part if rest is None else _stacked(rest, part)
        whole = joined.height // multiple * multiple
        rest = None if whole == joined.height else joined.crop((0, whole, joined.width, joined.height))
        if whole:
            yield _like(image, joined.crop((0, 0, joined.width, whole)))
    if rest is not None:
        yield _like(image, rest)


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    both = Image.new(upper.mode, (upper.width, upper.height + lower.height))
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both


def _like(image: Image.Image, strip: Image.Image) -> Image.Image:
    """The strip with the metadata and the palette that say what its samples mean."""
    strip.info = dict(image.info)
    if image.palette is not None and strip.mode in {"P", "PA"}:
        raw_mode, colours = image.palette.getdata()
        strip.putpalette(colours, raw_mode)
    return strip


# --- rows as stored in the file -----------------------------------------------------------------------------


def _has_plain_rows(image: ImageFile) -> bool:
    """Whether all tiles are as wide as the picture and uncompressed, and no channel is stored separately."""
    if not isinstance(image, BmpImageFile | TiffImageFile):  # AVIF and WebP have rows of already decoded samples
        return False
    width, height = stored_size(image)
    extents = [tile.extents for tile in image.tile if tile.codec_name == "raw" and tile.extents is not None]
    return (
        len(extents) == len(image.tile)
        and all(extent[::2] == (0, width) for extent in extents)
        and sum(extent[3] - extent[1] for extent in extents) == height
    )


def _plain_strips(image: ImageFile, file: BinaryIO, rows: int) -> Iterator[Image.Image]:
    tiles = sorted(image.tile, key=lambda tile: tile.extents[1])  # type: ignore[index]
    parts = (part for tile in tiles for part in _plain_parts(image, file, tile, rows))
    yield from _regrouped(image, parts, rows)


def _plain_parts(image: ImageFile, file: BinaryIO, tile: Any, rows: int) -> Iterator[Image.Image]:
    raw_mode, stride, direction = tile.args if isinstance(tile.args, tuple) else (tile.args, 0, 1)
    (width, _), height = stored_size(image), tile.extents[3] - tile.extents[1]
    stride = stride or _row_bytes(image, raw_mode)
    for top in range(0, height, rows):
        count = min(rows, height - top)
        first = top if direction > 0 else height - top - count
        file.seek(tile.offset + first * stride)
        data = _read(file, count * stride)
        yield Image.frombytes(image.mode, (width, count), data, "raw", raw_mode, stride, direction)


def _row_bytes(image: ImageFile, raw_mode: str) -> int:
    """The size of one row without padding, in bytes."""
    return len(Image.new(image.mode, (stored_size(image)[0], 1)).tobytes("raw", raw_mode))


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise PictureError("truncated", "the file ends before the picture does")
    return data


# --- PNG ----------------------------------------------------------------------------------------------------


def late_png_exif(file: BinaryIO) -> bytes | None:
    """The EXIF of a PNG, even if it follows the pixels, which Pillow would decode to get to it."""
    return next((data for kind, data in _png_chunks(file) if kind == b"eXIf"), None)


def _png_strips(image: PngImageFile, file: BinaryIO, rows: int) -> Iterator[Image.Image]:
    raw_mode = str(image.tile[0].args)
    file.seek(0)
    chunks = _png_chunks(file)
    _, header = next(chunks)
    step, line = _png_step(header), _png_line(header)
    packed = (data for kind, data in chunks if kind == b"IDAT")
    unpacked = _Unpacked(packed)
    above = bytes(line)
    for top in range(0, image.height, rows):
        count = min(rows, image.height - top)
        samples = _unfiltered(above, unpacked.take(count * (line + 1)), line, step)
        above = samples[-line:]
        strip = Image.frombytes(image.mode, (image.width, count), samples, "raw", raw_mode, line)
        yield _like(image, strip)


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(type, data) of the chunks that are used here; chunks with pixels are returned piece by piece."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind in {b"IHDR", b"eXIf"}:
            yield kind, _read(file, size)
        elif kind == b"IDAT":
            while size > 0:
                yield kind, _read(file, min(size, _CHUNK_BYTES))
                size -= _CHUNK_BYTES
        else:
            file.seek(size, 1)
        file.seek(4, 1)


def _png_step(header: bytes) -> int:
    return max(1, header[8] * _PNG_CHANNELS[header[9]] // 8)


def _png_line(header: bytes) -> int:
    width = int.from_bytes(header[:4], "big")
    return (width * header[8] * _PNG_CHANNELS[header[9]] + 7) // 8


class _Unpacked:
    """The decompressed stream of a PNG, as much at a time as is requested."""

    def __init__(self, packed: Iterator[bytes]) -> None:
        self._packed = packed
        self._inflater = zlib.decompressobj()

    def take(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            data = self._inflater.unconsumed_tail or next(self._packed, b"")
            part = self._inflater.decompress(data, count)
            if not data and not part:
                raise PictureError("truncated", "the file ends before the picture does")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _unfiltered(above: bytes, filtered: bytes, line: int, step: int) -> bytes:
    """The samples of some rows of a PNG, as bytes. `above` is the row before them.

    Prediction works on bytes, so any samples can be read as 8-bit samples of a picture with as many bytes per pixel.
    """
    width, height = line // step, len(filtered) // (line + 1) + 1
    deep = step > 4
    header = b"".join(
        (width.to_bytes(4, "big"), height.to_bytes(4, "big"), bytes((16 if deep else 8, _PNG_COLOURS[step], 0, 0, 0)))
    )
    stored = zlib.compress(b"\0" + above + filtered, 0)
    png = b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", stored) + _png_chunk(b"IEND", b"")
    if not deep:
        return PngImageFile(io.BytesIO(png)).tobytes()[line:]
    halves = [_bytes_of(png, f"{_PNG_MODES[step]};16{order}") for order in "BL"]
    both = np.stack(halves, axis=-1)
    return both.tobytes()[line:]


def _bytes_of(png: bytes, raw_mode: str) -> np.ndarray:
    """Pillow keeps one byte of each 16-bit sample: the upper one or, with the byte order exchanged, the lower one."""
    image = PngImageFile(io.BytesIO(png))
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    return np.asarray(image)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


# --- TIFF ---------------------------------------------------------------------------------------------------


def _tiff_unit(image: TiffImageFile) -> int:
    """The number of rows that are compressed together; 0 if they are too many or if channels are stored separately."""
    tags, (width, whole) = image.tag_v2, stored_size(image)
    if tags.get(_TIFF_PLANAR, 1) != 1 or tags.get(_TIFF_COMPRESSION) == _TIFF_OLD_JPEG:
        return 0
    height = int(tags.get(_TIFF_TILE_LENGTH) or tags.get(_TIFF_ROWS) or 0)
    offsets = tags.get(_TIFF_TILES[0]) or tags.get(_TIFF_STRIPS[0]) or ()
    is_small = 0 < height <= whole and width * height <= _TIFF_UNIT_PIXELS
    return height if is_small and len(offsets) == -(-whole // height) * _tiff_across(image) else 0


def _tiff_across(image: TiffImageFile) -> int:
    width = image.tag_v2.get(_TIFF_TILE_WIDTH)
    return -(-stored_size(image)[0] // int(width)) if width else 1


def _tiff_strips(image: TiffImageFile, file: BinaryIO, rows: int) -> Iterator[Image.Image]:
    tags = image.tag_v2
    kind = _TIFF_TILES if _TIFF_TILE_LENGTH in tags else _TIFF_STRIPS
    height, across = int(tags.get(_TIFF_TILE_LENGTH) or tags[_TIFF_ROWS]), _tiff_across(image)
    places = list(zip(tags[kind[0]], tags[kind[1]], strict=True))
    per_strip = rows // height * across
    for number, start in enumerate(range(0, len(places), per_strip)):
        count = min(rows, stored_size(image)[1] - number * rows)
        parts = []
        for offset, size in places[start : start + per_strip]:
            file.seek(offset)
            parts.append(_read(file, size))
        strip = TiffImageFile(io.BytesIO(_small_tiff(image, parts, count, height, kind)))
        strip.load()
        yield strip


def _small_tiff(image: TiffImageFile, parts: list[bytes], rows: int, height: int, kind: tuple[int, int]) -> bytes:
    """A TIFF that contains some of the strips, or rows of tiles, as stored in the file of `image`."""
    tags = image.tag_v2
    start = b"MM\0*\0\0\0\x08" if tags.prefix == TiffImagePlugin.MM else b"II*\0\x08\0\0\0"
    directory = ImageFileDirectory_v2(start)
    for tag in _TIFF_COPIED:
        if tag in tags:
            directory.tagtype[tag] = tags.tagtype[tag]
            directory[tag] = tags[tag]
    directory[_TIFF_LENGTH] = rows
    if kind == _TIFF_STRIPS:
        directory[_TIFF_ROWS] = height
    offsets, sizes = kind
    directory.tagtype[offsets] = directory.tagtype[sizes] = TiffTags.LONG
    directory[sizes] = tuple(len(part) for part in parts)
    directory[offsets] = tuple(0 for _ in parts)
    # Pillow adds the length of what it writes to the offsets of strips, but not to those of tiles.
    first = 0 if kind == _TIFF_STRIPS else len(start) + len(directory.tobytes(len(start)))
    places = np.cumsum([first, *(len(part) for part in parts[:-1])])
    directory[offsets] = tuple(int(place) for place in places)
    return b"".join((start, directory.tobytes(len(start)), *parts))
