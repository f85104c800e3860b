"""Decoding a file once to a small picture as shown, from which everything else is made.

This module also re-exports the other questions about a picture file: whether it is worth opening at all
(`looks_like_picture`) and whether two files show exactly the same pixels (`pixels_equal`).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.domain import FloatArray, GrayArray, PictureFacts, Unreadable
from dedupctl.fingerprint.exif_facts import facts_of
from dedupctl.fingerprint.memory import WHOLE_FILE, file_bytes, jpeg_memory, loaded_memory, loading, whole_file_memory
from dedupctl.fingerprint.opening import OpenedPicture, open_picture
from dedupctl.fingerprint.pixels import FullPicture, decode_full, pixel_digest, pixels_equal
from dedupctl.fingerprint.sniff import PICTURE_SUFFIXES, looks_like_picture
from dedupctl.fingerprint.strips import crops, stored_size, strips
from dedupctl.fingerprint.unreadable import DEFAULT_LIMITS, Limits, check_memory, ignoring_warnings, unreadable_from

__all__ = [
    "PICTURE_SUFFIXES",
    "FullPicture",
    "SmallPicture",
    "decode_full",
    "decode_small",
    "load_small",
    "looks_like_picture",
    "pixel_digest",
    "pixels_equal",
    "shrunk",
]

SMALL_SIDE = 256
"""The shorter side has at least this many pixels, if the original has, and fewer than twice as many."""
MOST_PIXELS = 16_000_000
"""Limit for a picture that is a thousand times longer than wide, which would otherwise not be reduced at all."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns a stored picture upright, by EXIF orientation."""


@dataclass(frozen=True, slots=True)
class SmallPicture:
    image: Image.Image
    """RGB, 8 bits, as shown: upright, with alpha composited over white."""
    facts: PictureFacts


def decode_small(source: bytes | memoryview | BinaryIO, limits: Limits = DEFAULT_LIMITS) -> SmallPicture | Unreadable:
    """Decode a picture file, or say why that is impossible. `source` is its bytes, or the open file at its start."""
    file = io.BytesIO(source) if isinstance(source, bytes | memoryview) else source
    try:
        with ignoring_warnings():
            return load_small(file, limits)
    except Exception as error:  # decoders raise exceptions of any kind; a bad file must never stop a scan
        return unreadable_from(error)


def load_small(file: BinaryIO, limits: Limits) -> SmallPicture:
    """Like `decode_small`, but raises the exceptions of the decoders."""
    opened = open_picture(file, limits)
    image = shrunk(opened, file, _small_factor, limits)
    return SmallPicture(image, facts_of(opened.exif, opened.container, opened.size, opened.orientation))


def shrunk(
    opened: OpenedPicture, file: BinaryIO, factor_of: Callable[[tuple[int, int]], int], limits: Limits
) -> Image.Image:
    """The picture as RGB, upright and reduced by the factor that `factor_of` returns for its size.

    Every pixel has the same weight. Never more than one strip exists in any form other than the decoder's output.
    """
    image, full_size = opened.image, opened.image.size
    factor = factor_of(full_size)
    if factor >= 2:
        if isinstance(image, Jpeg2KImageFile):
            image.reduce = factor.bit_length() - 1
        elif isinstance(image, JpegImageFile):  # not HEIF, whose draft is a thumbnail made by some other program
            image.draft(None, (image.width // factor, image.height // factor))
    stored = strips(image, file, factor)
    if stored is not None:
        return _upright(_joined(image, stored_size(image), factor, stored), opened.turn_of_strips)
    _check_load(opened, file, full_size, limits)
    with loading(full_size, limits):
        image.load()
    factor = factor_of(image.size)
    return _upright(_joined(image, image.size, factor, crops(image, factor)), opened.turn)


def _small_factor(size: tuple[int, int]) -> int:
    """The factor that reduces the shorter side below twice SMALL_SIDE, and a very long picture to MOST_PIXELS."""
    return max(min(size) // SMALL_SIDE, math.isqrt(size[0] * size[1] // MOST_PIXELS), 1)


def _check_load(opened: OpenedPicture, file: BinaryIO, full_size: tuple[int, int], limits: Limits) -> None:
    """Refuse a picture that would take too much memory to decode as a whole."""
    image = opened.image
    if isinstance(image, JpegImageFile):
        check_memory(jpeg_memory(image, full_size), limits)
    elif opened.container in WHOLE_FILE and isinstance(image, ImageFile):  # otherwise it is already decoded
        is_deep = image.mode not in {"L", "RGB"} or image.info.get("bit_depth", 8) > 8
        check_memory(whole_file_memory(opened.container, full_size, file_bytes(file), is_deep=is_deep), limits)
    elif isinstance(image, ImageFile) and not isinstance(image, Jpeg2KImageFile):
        check_memory(loaded_memory(image), limits)


def _joined(image: Image.Image, size: tuple[int, int], factor: int, stored: Iterable[Image.Image]) -> Image.Image:
    """The strips of a picture of this mode and size, reduced by `factor` and joined into one RGB picture."""
    width, height = (-(-side // factor) for side in size)
    is_real = image.mode in {"I", "F"}
    joined = Image.new("F" if is_real else "RGB", (width, height))
    top, brightest = 0, 0.0
    for strip in stored:
        if is_real:
            values = _finite(strip)
            brightest = max(brightest, float(values.max()))
            small = Image.fromarray(values)
            small = small.reduce(factor) if factor >= 2 else small
        else:
            plain = _plain(strip)
            small = _over_white(plain.reduce(factor) if factor >= 2 else plain)
        joined.paste(small, (0, top))
        top += small.height
    return Image.fromarray(_levels(np.asarray(joined), brightest)).convert("RGB") if is_real else joined


def _plain(image: Image.Image) -> Image.Image:
    """A picture of any integer mode in a mode that can be averaged: L, RGB, RGBA, LA, CMYK, YCbCr, HSV."""
    mode = image.mode
    if mode in {"P", "PA"} or "transparency" in image.info:
        transparent = mode == "PA" or "transparency" in image.info
        if mode in {"P", "PA", "L", "RGB"}:
            return image.convert("RGBA" if transparent else "RGB")
    if mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if mode == "LAB":
        shown = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        return shown or image
    return image.convert("L") if mode == "1" else image


def _finite(image: Image.Image) -> FloatArray:
    """The values of a picture whose range is unknown, without negative and non-finite ones."""
    values = np.asarray(image, np.float32)
    return np.maximum(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), 0)


def _levels(values: FloatArray, brightest: float) -> GrayArray:
    """Values of an unknown range as 8-bit levels. White is 1, 255, 65535 or, above that, the brightest pixel."""
    white = next((white for white in (1.0, 255.0, 65535.0) if brightest <= white), brightest)
    levels: GrayArray = np.clip(values * (255.0 / white), 0, 255).astype(np.uint8)
    return levels


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode in {"RGBA", "LA", "La", "RGBa"}:
        shown = Image.new("RGB", image.size, "white")
        straight = image.convert("RGBA")
        shown.paste(straight, mask=straight.getchannel("A"))
        return shown
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(TURNS[turn]) if turn in TURNS else image
