"""Opening a picture in any container, told by its content, and reading its header."""

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
from dedupctl.fingerprint.exif_facts import orientation_of
from dedupctl.fingerprint.memory import WHOLE_FILE, file_bytes, loading, whole_file_memory
from dedupctl.fingerprint.sniff import HEAD_BYTES, container_of, webp_size
from dedupctl.fingerprint.strips import is_large, late_png_exif
from dedupctl.fingerprint.unreadable import Limits, PictureError, check_memory, check_size

# Each file is decoded on one thread, because a pool of workers already keeps every core busy.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1
# Pillow's guard knows neither the limits of the config nor the codes of the catalog. We check every header ourselves.
Image.MAX_IMAGE_PIXELS = None
# Pillow logs oddities of files, which are of no use to the user.
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
class OpenedPicture:
    """A picture whose header was read but, if the format allows, not its pixels."""

    image: Image.Image
    container: str
    size: tuple[int, int]
    """Full size as shown."""
    orientation: int
    """EXIF orientation as stored."""
    turn: int
    """EXIF orientation that must still be applied to `image` after loading; 1 if the decoder applies it itself."""
    exif: Image.Exif

    @property
    def turn_of_strips(self) -> int:
        """The same for its strips. Pillow applies the orientation of a TIFF when loading it, but not that of strips."""
        return self.orientation if self.container == "TIFF" else self.turn


def open_picture(file: BinaryIO, limits: Limits) -> OpenedPicture:
    """Read the header of the picture in `file`, which is positioned at its start.

    Raises:
        PictureError: the file is empty, not a picture, not decodable, or exceeds the limits. Decoders may raise any
            other exception; `unreadable_from` classifies it.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise PictureError("empty", "the file is empty")
    container = container_of(head)
    if container is None:
        raise PictureError("not-an-image", "not a known picture format")
    if container == "JXL":
        return _open_jxl(file, limits)
    if container == "RAW":
        return _open_raw(file, limits)
    if container == "TIFF":
        return _open_tiff(file, limits)
    if container in WHOLE_FILE:
        check_memory(2 * file_bytes(file), limits)
    if container == "WEBP":  # opening it allocates two pictures of the full size
        size = webp_size(head)
        check_size(size, limits.max_pixels)
        check_memory(whole_file_memory("WEBP", size, file_bytes(file)), limits)
    image = _open_jpeg(file) if container == "JPEG" else _OPENERS[container](file)
    check_size(image.size, limits.max_pixels)
    exif = _exif_of(image, file)
    if container == "HEIF":  # as the standard demands, libheif applies the container's own rotation and ignores EXIF
        return OpenedPicture(image, "HEIF", image.size, image.info.get("original_orientation") or 1, 1, exif)
    return _unturned(image, image.format or container, exif)


def turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The size of a picture of this stored size when it is shown in an EXIF orientation."""
    return (size[1], size[0]) if orientation >= 5 else size


def _unturned(image: Image.Image, container: str, exif: Image.Exif) -> OpenedPicture:
    """A picture that its decoder returns as stored, so that the EXIF orientation must still be applied."""
    orientation = orientation_of(exif)
    return OpenedPicture(image, container, turned(image.size, orientation), orientation, orientation, exif)


def _exif_of(image: Image.Image, file: BinaryIO) -> Image.Exif:
    if not isinstance(image, PngImageFile) or "exif" in image.info or not is_large(image):
        return image.getexif()
    late = late_png_exif(file)
    if late is not None:
        image.info["exif"] = b"Exif\0\0" + late
    return Image.Image.getexif(image)  # PngImageFile.getexif would decode the pixels to look for EXIF after them


def _open_jpeg(file: BinaryIO) -> ImageFile:
    """A JPEG, or an MPO if its index of further pictures is valid; a broken index does not affect the first picture."""
    try:
        return jpeg_factory(file)
    except Exception:
        file.seek(0)
        return JpegImageFile(file)


def _open_tiff(file: BinaryIO, limits: Limits) -> OpenedPicture:
    """A TIFF, or a camera RAW with the structure of one."""
    try:
        image = TiffImageFile(file)
    except Exception:  # some layouts are used for sensor data only
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
    # Pillow applies the orientation of a TIFF when loading it, and then drops the tag.
    return OpenedPicture(image, "TIFF", image.size, orientation, 1, exif)


def _open_raw_in_tiff(file: BinaryIO, limits: Limits, exif: Image.Exif | None) -> OpenedPicture | None:
    """The RAW picture in a TIFF structure; None if it is an ordinary TIFF after all."""
    file.seek(0)
    try:
        return _open_raw(file, limits, exif)
    except PictureError as error:
        if error.outcome.code != "unsupported":
            raise
        return None


def _open_raw(file: BinaryIO, limits: Limits, exif: Image.Exif | None = None) -> OpenedPicture:
    """`exif` is the EXIF of the container; without it, the EXIF of the preview is used."""
    picture = raw.open_raw(file, limits)
    check_size(picture.image.size, limits.max_pixels)
    return OpenedPicture(
        picture.image, "RAW", picture.size, picture.orientation, picture.turn, exif or picture.image.getexif()
    )


def _open_jxl(file: BinaryIO, limits: Limits) -> OpenedPicture:
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
    if header.orientation != 1:  # the decoder has applied it; EXIF only repeats it
        return OpenedPicture(picture.image, "JXL", picture.image.size, header.orientation, 1, exif)
    return _unturned(picture.image, "JXL", exif)
