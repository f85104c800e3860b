"""Opens any container by its content, as far as its header."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import pillow_heif.options
from PIL import AvifImagePlugin, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile, jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif.as_plugin import HeifImageFile

from dedupctl.fingerprint import jxl, raw
from dedupctl.fingerprint.facts import orientation_of
from dedupctl.fingerprint.outcome import PictureError, check_size
from dedupctl.fingerprint.sniff import HEAD_BYTES, container_of

# One file is one thread's work: a pool of workers already keeps every core busy.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1
# Pillow's guard knows neither the limit of the config nor a row in a catalog. Ours is checked on every header instead.
Image.MAX_IMAGE_PIXELS = None
# Pillow logs what it finds odd in a file; that is no news to a person.
logging.getLogger("PIL").addHandler(logging.NullHandler())
logging.getLogger("PIL").propagate = False

_OPENERS: dict[str, Callable[[BinaryIO], ImageFile]] = {
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "WEBP": WebPImageFile,
    "JPEG2000": Jpeg2KImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": HeifImageFile,
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose header was read and whose pixels, if the format allows, were not."""

    image: Image.Image
    container: str
    size: tuple[int, int]
    """Full size as shown."""
    orientation: int
    """EXIF orientation as stored."""
    turn: int
    """EXIF orientation still to be applied to `image` once it is loaded; 1 where the decoder does it by itself."""
    exif: Image.Exif


def open_picture(file: BinaryIO, max_pixels: int) -> Opened:
    """Read the header of the picture that `file` (at its start) holds.

    Raises:
        PictureError: empty, no picture, more than `max_pixels`, or not decodable. Decoders raise anything else they
            like; `outcome_of` knows what to call it.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise PictureError("empty", "the file is empty")
    container = container_of(head)
    if container is None:
        raise PictureError("not-an-image", "no known picture format")
    if container == "JXL":
        return _open_jxl(file.read(), max_pixels)
    if container == "RAW":
        return _open_raw(file, max_pixels)
    if container == "TIFF":
        return _open_tiff(file, max_pixels)
    image = _open_jpeg(file) if container == "JPEG" else _OPENERS[container](file)
    check_size(image.size, max_pixels)
    exif = image.getexif()
    if container == "HEIF":  # libheif turns it by the container's own property and ignores EXIF, as the standard asks
        return Opened(image, "HEIF", image.size, image.info.get("original_orientation") or 1, 1, exif)
    return _unturned(image, image.format or container, exif)


def turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """A stored size as shown under an EXIF orientation."""
    return (size[1], size[0]) if orientation >= 5 else size


def _unturned(image: Image.Image, container: str, exif: Image.Exif) -> Opened:
    """A picture that its decoder leaves as stored: all that EXIF says is still to be done."""
    orientation = orientation_of(exif)
    return Opened(image, container, turned(image.size, orientation), orientation, orientation, exif)


def _open_jpeg(file: BinaryIO) -> ImageFile:
    """A JPEG, or an MPO if its index of further pictures is sound; a broken index takes nothing from the first one."""
    try:
        return jpeg_factory(file)
    except Exception:
        file.seek(0)
        return JpegImageFile(file)


def _open_tiff(file: BinaryIO, max_pixels: int) -> Opened:
    """A TIFF, or the camera RAW that looks like one."""
    try:
        image = TiffImageFile(file)
    except Exception:  # a layout that only sensor data has
        opened = _open_raw_in_tiff(file, max_pixels, None)
        if opened is None:
            raise
        return opened
    check_size(image.size, max_pixels)
    exif = image.getexif()
    orientation = orientation_of(exif)
    if raw.is_raw(image.tag_v2):
        opened = _open_raw_in_tiff(file, max_pixels, exif)
        if opened is not None:
            return opened
        file.seek(0)
        image = TiffImageFile(file)
    # Pillow turns TIFF while loading, and then forgets that there was anything to turn.
    return Opened(image, "TIFF", image.size, orientation, 1, exif)


def _open_raw_in_tiff(file: BinaryIO, max_pixels: int, exif: Image.Exif | None) -> Opened | None:
    """None for an ordinary TIFF after all."""
    file.seek(0)
    try:
        return _open_raw(file, max_pixels, exif)
    except PictureError as error:
        if error.outcome.code != "unsupported":
            raise
        return None


def _open_raw(file: BinaryIO, max_pixels: int, exif: Image.Exif | None = None) -> Opened:
    """`exif` is that of the container; without it the preview's own is used."""
    picture = raw.open_raw(file, max_pixels)
    check_size(picture.image.size, max_pixels)
    return Opened(
        picture.image, "RAW", picture.size, picture.orientation, picture.turn, exif or picture.image.getexif()
    )


def _open_jxl(data: bytes, max_pixels: int) -> Opened:
    header = jxl.read_header(data)
    check_size((header.width, header.height), max_pixels)
    picture = jxl.decode(data)
    if picture.jpeg is not None:
        inner = _open_jpeg(io.BytesIO(picture.jpeg))
        return _unturned(inner, "JXL", inner.getexif())
    assert picture.image is not None
    exif = Image.Exif()
    if picture.exif:
        exif.load(picture.exif)
    picture.image.info["icc_profile"] = picture.profile
    if header.orientation != 1:  # turned by the decoder; EXIF only repeats it
        return Opened(picture.image, "JXL", picture.image.size, header.orientation, 1, exif)
    return _unturned(picture.image, "JXL", exif)
