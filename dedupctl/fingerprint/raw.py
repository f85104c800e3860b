"""Camera RAW: the preview that the camera itself made is the picture; the sensor is developed only for want of one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import rawpy
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.fingerprint.facts import orientation_of
from dedupctl.fingerprint.memory import file_bytes, whole_file_memory
from dedupctl.fingerprint.outcome import Limits, PictureError, check_memory, check_size

PREVIEW_SIDE = 256
"""A preview with a shorter side than this is a mere icon; half-size development then costs less than it loses."""
_TURNS = {3: 3, 5: 8, 6: 6}
"""LibRaw's `flip` as an EXIF orientation."""
_RAW_COMPRESSIONS = frozenset({262, 32767, 34713, 65000, 65535})
_COLOUR_FILTER_ARRAY = 32803
_REDUCED_PICTURE = 1


@dataclass(frozen=True, slots=True)
class RawPicture:
    """A picture of a RAW file, not yet turned."""

    image: Image.Image
    size: tuple[int, int]
    """Full size of the developed picture, as shown."""
    orientation: int
    turn: int
    """The EXIF orientation that `image` still needs; 1 where preview or development is upright already."""


def is_raw(tags: Any) -> bool:
    """Do the tags of a TIFF's first picture say that the real one is sensor data?"""
    return (
        0xC612 in tags  # DNGVersion
        or tags.get(259) in _RAW_COMPRESSIONS
        or tags.get(262) == _COLOUR_FILTER_ARRAY
        # NEF, ARW and others: first a small picture, the sensor data in a sub-directory.
        or (bool(tags.get(254, 0) & _REDUCED_PICTURE) and 330 in tags)
    )


def open_raw(file: BinaryIO, limits: Limits) -> RawPicture:
    """The picture of a RAW file.

    Raises:
        PictureError: LibRaw does not know it ("unsupported"), or it has more than the limits allow.
        rawpy.LibRawError: it is damaged.
    """
    size_in_file = file_bytes(file)
    check_memory(2 * size_in_file, limits)  # LibRaw has all of it in memory
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
    except rawpy.LibRawError:  # none, or of a kind that LibRaw cannot hand out
        return None
    if thumbnail.format == rawpy.ThumbFormat.JPEG:
        return JpegImageFile(io.BytesIO(bytes(thumbnail.data)))
    return Image.fromarray(np.asarray(thumbnail.data))


def _turn_of(preview: Image.Image, orientation: int, sensor_is_wide: bool) -> int:
    """Some cameras turn the preview, some tag it, most leave it to the RAW's own orientation."""
    exif = preview.getexif()
    if 0x0112 in exif:
        return orientation_of(exif)
    upright_already = orientation >= 5 and (preview.width > preview.height) != sensor_is_wide
    return 1 if upright_already else orientation
