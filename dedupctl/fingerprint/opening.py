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
from dedupctl.fingerprint.memory import WHOLE_FILE, file_bytes, loading, whole_file_memory
from dedupctl.fingerprint.outcome import Limits, PictureError, check_memory, check_size
from dedupctl.fingerprint.sniff import HEAD_BYTES, container_of, webp_size
from dedupctl.fingerprint.strips import is_large, late_png_exif

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

    @property
    def turn_of_strips(self) -> int:
        """The same for its strips. Pillow turns a TIFF while it loads it, which it never does with those."""
        return self.orientation if self.container == "TIFF" else self.turn


def open_picture(file: BinaryIO, limits: Limits) -> Opened:
    """Read the header of the picture that `file` (at its start) holds.

    Raises:
        PictureError: empty, no picture, larger than the limits allow, or not decodable. Decoders raise anything else
            they like; `outcome_of` knows what to call it.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise PictureError("empty", "the file is empty")
    container = container_of(head)
    if container is None:
        raise PictureError("not-an-image", "no known picture format")
    if container == "JXL":
        return _open_jxl(file, limits)
    if container == "RAW":
        return _open_raw(file, limits)
    if container == "TIFF":
        return _open_tiff(file, limits)
    if container in WHOLE_FILE:
        check_memory(2 * file_bytes(file), limits)
    if container == "WEBP":  # two pictures of the full size are allocated as soon as it is opened
        size = webp_size(head)
        check_size(size, limits.max_pixels)
        check_memory(whole_file_memory("WEBP", size, file_bytes(file)), limits)
    image = _open_jpeg(file) if container == "JPEG" else _OPENERS[container](file)
    check_size(image.size, limits.max_pixels)
    exif = _exif_of(image, file)
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


def _exif_of(image: Image.Image, file: BinaryIO) -> Image.Exif:
    if not isinstance(image, PngImageFile) or "exif" in image.info or not is_large(image):
        return image.getexif()
    late = late_png_exif(file)
    if late is not None:
        image.info["exif"] = b"Exif\0\0" + late
    return Image.Image.getexif(image)  # that of a PNG would decode all of it, in case there is EXIF after the pixels


def _open_jpeg(file: BinaryIO) -> ImageFile:
    """A JPEG, or an MPO if its index of further pictures is sound; a broken index takes nothing from the first one."""
    try:
        return jpeg_factory(file)
    except Exception:
        file.seek(0)
        return JpegImageFile(file)


def _open_tiff(file: BinaryIO, limits: Limits) -> Opened:
    """A TIFF, or the camera RAW that looks like one."""
    try:
        image = TiffImageFile(file)
    except Exception:  # a layout that only sensor data has
        opened = _open_raw_in_tiff(file, limits, None)
        if opened is None:
            raise
        return opened
    check_size(image.size, limits.max_pixels)
    exif = image.getexif()
    orientation = orientation_of(exif)
    if raw.is_raw(image.tag_v2):
        opened = _open_raw_in_tiff(file, limits, exif)
        if opened is not None:
            return opened
        file.seek(0)
        image = TiffImageFile(file)
    # Pillow turns TIFF while loading, and then forgets that there was anything to turn.
    return Opened(image, "TIFF", image.size, orientation, 1, exif)


def _open_raw_in_tiff(file: BinaryIO, limits: Limits, exif: Image.Exif | None) -> Opened | None:
    """None for an ordinary TIFF after all."""
    file.seek(0)
    try:
        return _open_raw(file, limits, exif)
    except PictureError as error:
        if error.outcome.code != "unsupported":
            raise
        return None


def _open_raw(file: BinaryIO, limits: Limits, exif: Image.Exif | None = None) -> Opened:
    """`exif` is that of the container; without it the preview's own is used."""
    picture = raw.open_raw(file, limits)
    check_size(picture.image.size, limits.max_pixels)
    return Opened(
        picture.image, "RAW", picture.size, picture.orientation, picture.turn, exif or picture.image.getexif()
    )


def _open_jxl(file: BinaryIO, limits: Limits) -> Opened:
    size_in_file = file_bytes(file)
    check_memory(2 * size_in_file, limits)
    data = file.read()
    header = jxl.read_header(data)
    check_size((header.width, header.height), limits.max_pixels)
    needed = whole_file_memory("JXL", (header.width, header.height), size_in_file, is_deep=header.bits > 8)
    check_memory(needed, limits)
    with loading((header.width, header.height), limits):
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
