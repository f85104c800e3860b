"""One decode of one file to a small picture as shown, from which everything else is made.

Also the door to the rest of what can be asked of a picture file: whether it is worth opening at all
(`looks_like_picture`) and whether two files show the very same pixels (`pixels_equal`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.domain import PictureFacts, Unreadable
from dedupctl.fingerprint.facts import facts_of
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.outcome import MAX_PIXELS, outcome_of, quietly
from dedupctl.fingerprint.pixels import FullPicture, decode_full, pixel_digest, pixels_equal
from dedupctl.fingerprint.sniff import PICTURE_SUFFIXES, looks_like_picture

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
    "upright_rgb",
]

SMALL_SIDE = 256
"""The shorter side has at least this many pixels, if the picture has, and fewer than twice as many."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What shows a stored picture as its EXIF orientation means it."""


@dataclass(frozen=True, slots=True)
class SmallPicture:
    image: Image.Image
    """RGB, 8 bits, as shown: turned, alpha laid over white."""
    facts: PictureFacts


def decode_small(source: bytes | memoryview | BinaryIO, max_pixels: int = MAX_PIXELS) -> SmallPicture | Unreadable:
    """Decode a picture file, or say why that cannot be done. `source` is its bytes, or a file of them at its start."""
    file = io.BytesIO(source) if isinstance(source, bytes | memoryview) else source
    try:
        with quietly():
            return load_small(file, max_pixels)
    except Exception as error:  # decoders raise whatever they like; a bad file must never stop a scan
        return outcome_of(error)


def load_small(file: BinaryIO, max_pixels: int) -> SmallPicture:
    """As `decode_small`, but raises what the decoders raise."""
    opened = open_picture(file, max_pixels)
    image = _upright(_shrunk(_loaded(opened.image)), opened.turn)
    return SmallPicture(image, facts_of(opened.exif, opened.container, opened.size, opened.orientation))


def upright_rgb(image: Image.Image, turn: int) -> Image.Image:
    """A loaded picture of any mode as RGB, 8 bits, turned as its EXIF means it."""
    return _upright(_over_white(_plain(image)), turn)


def _loaded(image: Image.Image) -> Image.Image:
    """The pixels, at a fraction of the size where the format can decode fewer of them."""
    factor = min(image.size) // SMALL_SIDE
    if factor >= 2:
        if isinstance(image, Jpeg2KImageFile):
            image.reduce = factor.bit_length() - 1
        elif isinstance(image, JpegImageFile):  # not HEIF, whose draft is a thumbnail that somebody else made
            image.draft(None, (image.width // factor, image.height // factor))
    image.load()
    return image


def _shrunk(image: Image.Image) -> Image.Image:
    """RGB, with the shorter side below twice SMALL_SIDE. Shrinks before it converts where the mode allows."""
    plain = _plain(image)
    factor = min(plain.size) // SMALL_SIDE
    return _over_white(plain.reduce(factor) if factor >= 2 else plain)


def _plain(image: Image.Image) -> Image.Image:
    """Any mode as one of those that can be averaged: L, RGB, RGBA, LA, CMYK, YCbCr, HSV."""
    mode = image.mode
    if mode in {"P", "PA"} or "transparency" in image.info:
        transparent = mode == "PA" or "transparency" in image.info
        if mode in {"P", "PA", "L", "RGB"}:
            return image.convert("RGBA" if transparent else "RGB")
    if mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if mode in {"I", "F"}:
        return Image.fromarray(_levels(np.asarray(image, np.float64)))
    if mode == "LAB":
        shown = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        return shown or image
    return image.convert("L") if mode == "1" else image


def _levels(values: np.ndarray) -> np.ndarray:
    """Numbers of an unknown range as 8-bit levels: 0-1, 0-255, 0-65535, or whatever the brightest pixel says."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(values.max())
    for white in (1.0, 255.0, 65535.0):
        if brightest <= white:
            break
    else:
        white = brightest
    return np.clip(values * (255.0 / white), 0, 255).astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode in {"RGBA", "LA", "La", "RGBa"}:
        shown = Image.new("RGB", image.size, "white")
        straight = image.convert("RGBA")
        shown.paste(straight, mask=straight.getchannel("A"))
        return shown
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(TURNS[turn]) if turn in TURNS else image
