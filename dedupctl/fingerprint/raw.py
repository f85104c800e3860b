"""Camera RAW: the camera's own preview is used as the picture. Sensor data is developed only if there is no preview."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import rawpy
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.fingerprint.exif_facts import orientation_of
from dedupctl.fingerprint.memory import file_bytes, whole_file_memory
from dedupctl.fingerprint.unreadable import Limits, PictureError, check_memory, check_size

PREVIEW_SIDE = 256
"""A preview whose shorter side is below this is a mere icon: developing the RAW at half size is then worth its cost."""
_TURNS = {3: 3, 5: 8, 6: 6}
"""EXIF orientation for each value of LibRaw's `flip`."""
_RAW_COMPRESSIONS = frozenset({262, 32767, 34713, 65000, 65535})
_COLOUR_FILTER_ARRAY = 32803
_REDUCED_PICTURE = 1


@dataclass(frozen=True, slots=True)
class RawPicture:
    """The picture of a RAW file, not yet rotated."""

    image: Image.Image
    size: tuple[int, int]
    """Full size of the developed picture, as shown."""
    orientation: int
    turn: int
    """The EXIF orientation that must still be applied to `image`; 1 if it is already upright."""


def is_raw(tags: Any) -> bool:
    """Whether the tags of the first picture in a TIFF show that the real picture is sensor data."""
    return (
        0xC612 in tags  # DNGVersion
        or tags.get(259) in _RAW_COMPRESSIONS
        or tags.get(262) == _COLOUR_FILTER_ARRAY
        # NEF, ARW and others have a small picture first and the sensor data in a sub-directory.
        or (bool(tags.get(254, 0) & _REDUCED_PICTURE) and 330 in tags)
    )


def open_raw(file: BinaryIO, limits: Limits) -> RawPicture:
    """The picture of a RAW file.

    Raises:
        PictureError: LibRaw does not know the format ("unsupported"), or the picture exceeds the limits.
        rawpy.LibRawError: the file is damaged.
    """
    size_in_file = file_bytes(file)
    check_memory(2 * size_in_file, limits)  # LibRaw holds the whole file in memory
    try:
        opened = rawpy.imread(file)
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError) as error:
        raise PictureError("unsupported", "LibRaw does not know this camera's format") from error
    with opened as raw:
        sizes = raw.sizes
        check_size((sizes.width, sizes.height), limits.max_pixels)
        orientation = _TURNS.get(sizes.flip, 1)
        shown = (sizes.height, sizes.width) if orientation >= 5 else (sizes.width, sizes.height)
        preview = _preview(raw)
        if preview is None or (min(preview.size) < PREVIEW_SIDE and min(shown) > min(preview.size)):
            check_memory(whole_file_memory("RAW", (sizes.width, sizes.height), size_in_file), limits)
            developed = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
            return RawPicture(Image.fromarray(developed), shown, orientation, 1)
        return RawPicture(preview, shown, orientation, _turn_of(preview, orientation, sizes.width > sizes.height))


def _preview(raw: rawpy.RawPy) -> Image.Image | None:
    try:
        thumbnail = raw.extract_thumb()
    except rawpy.LibRawError:  # there is none, or LibRaw cannot return its format
        return None
    if thumbnail.format == rawpy.ThumbFormat.JPEG:
        return JpegImageFile(io.BytesIO(bytes(thumbnail.data)))
    return Image.fromarray(np.asarray(thumbnail.data))


def _turn_of(preview: Image.Image, orientation: int, sensor_is_wide: bool) -> int:
    """The orientation to apply: some cameras rotate the preview, some tag it, most rely on the RAW's orientation."""
    exif = preview.getexif()
    if 0x0112 in exif:
        return orientation_of(exif)
    upright_already = orientation >= 5 and (preview.width > preview.height) != sensor_is_wide
    return 1 if upright_already else orientation
