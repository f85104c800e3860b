"""Whether two files show exactly the same pixels, compared without losing a bit.

This is the promise of `pixel`, on which a file may be removed unattended, so the answer in any doubt is no. Pictures
with several frames or pages, camera RAW, and bit depths that no decoder here returns completely are not compared.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from pillow_heif import open_heif

from dedupctl.domain import Unreadable
from dedupctl.fingerprint import jxl
from dedupctl.fingerprint.colour_profiles import colour_meaning
from dedupctl.fingerprint.digest import jpeg_extras, open_steady
from dedupctl.fingerprint.memory import WHOLE_FILE
from dedupctl.fingerprint.opening import OpenedPicture, open_picture
from dedupctl.fingerprint.unreadable import (
    DEFAULT_LIMITS,
    Limits,
    PictureError,
    check_memory,
    ignoring_warnings,
    unreadable_from,
)

Samples: TypeAlias = npt.NDArray[np.generic]

_UNKNOWN_DEPTH = 32
_BYTES, _DEEP_BYTES = 11, 24
"""Bytes per pixel for the intermediate forms of the samples, in addition to the needs of a decoder of whole files.
Measured at 8 bits: 9.6."""
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


@dataclass(frozen=True, slots=True)
class FullPicture:
    """Every sample of a picture as shown, and everything else that determines how it looks or what it contains."""

    pixels: Samples
    """Shape (height, width, channels), uint8 or uint16, upright. Grey is RGB; alpha is present only if it is used."""
    colours: str
    """ "RGB", "RGBA", or the Pillow mode of a picture without an exact RGB form, such as "CMYK"."""
    meaning: bytes
    """What the samples mean as colours; see `colour_meaning`."""
    extras: bytes
    """What follows the picture in its file; see `jpeg_extras`."""


def decode_full(path: bytes, limits: Limits = DEFAULT_LIMITS) -> FullPicture | Unreadable:
    """Decode every pixel of a file exactly, or say why not; the code is "unsupported" if it cannot be done exactly."""
    try:
        with ignoring_warnings():
            with open_steady(path) as (file, identity):
                check_memory(2 * identity.size, limits)
                data = file.read()
            return _full(data, limits)
    except Exception as error:  # decoders raise exceptions of any kind
        return unreadable_from(error)


def pixel_digest(path: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes | Unreadable:
    """BLAKE3 of the FullPicture of a file: equal for two files if and only if their FullPictures are equal."""
    full = decode_full(path, limits)
    if isinstance(full, Unreadable):
        return full
    kind = f"{full.colours} {full.pixels.dtype} {full.pixels.shape}".encode()
    hasher = blake3()
    for part in (kind, full.meaning, full.extras):
        hasher.update(len(part).to_bytes(4, "big") + part)
    hasher.update(np.ascontiguousarray(full.pixels).data.cast("B"))
    return hasher.digest()


def pixels_equal(path_a: bytes, path_b: bytes, limits: Limits = DEFAULT_LIMITS) -> bool | Unreadable:
    """Whether two files show exactly the same pixels, colours and orientation; Unreadable if that is uncertain."""
    digest = pixel_digest(path_a, limits)
    if isinstance(digest, Unreadable):
        return digest
    other = pixel_digest(path_b, limits)
    return other if isinstance(other, Unreadable) else digest == other


def _full(data: bytes, limits: Limits) -> FullPicture:
    opened = open_picture(io.BytesIO(data), limits)
    image = opened.image
    if opened.container == "RAW":
        raise PictureError("unsupported", "a camera RAW has no pixels until it is developed")
    if opened.container != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise PictureError("unsupported", "it has several frames or pages")
    depth = _depth(opened, data)
    bytes_per_pixel = (_DEEP_BYTES if depth > 8 else _BYTES) + WHOLE_FILE.get(opened.container, 0)
    check_memory(len(data) + image.width * image.height * bytes_per_pixel, limits)
    pixels, colours = _deep_samples(opened, data) if depth > 8 else _samples(image)
    extras = jpeg_extras(data) if opened.container in {"JPEG", "MPO"} else b""
    return FullPicture(_upright(pixels, opened.turn), colours, colour_meaning(image.info), extras)


def _samples(image: Image.Image) -> tuple[Samples, str]:
    """The samples of a picture that Pillow represents exactly."""
    image.load()
    mode = image.mode
    if mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        transparent = mode != "P" or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")
    elif mode in {"1", "L"}:
        image = image.convert("RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    samples = np.asarray(image)
    return samples if samples.ndim == 3 else samples[:, :, np.newaxis], image.mode


def _depth(opened: OpenedPicture, data: bytes) -> int:  # noqa: PLR0911 (a table)
    """Bits per sample in the file, which Pillow silently reduces to 8."""
    match opened.container:
        case "PNG":
            return data[24]  # IHDR
        case "TIFF":
            bits = opened.image.tag_v2.get(258, (1,)) if isinstance(opened.image, TiffImageFile) else (_UNKNOWN_DEPTH,)
            return max(bits) if isinstance(bits, tuple) else int(bits)
        case "HEIF":
            return int(opened.image.info.get("bit_depth", _UNKNOWN_DEPTH))
        case "AVIF":
            configuration = data.find(b"av1C")
            return 8 if configuration > 0 and not data[configuration + 6] & 0x40 else _UNKNOWN_DEPTH
        case "JPEG2000":
            return _jpeg2000_depth(data)
        case "JXL":
            return 8 if isinstance(opened.image, ImageFile) else jxl.read_header(data).bits
    return 8


def _jpeg2000_depth(data: bytes) -> int:
    """The largest `Ssiz` of the SIZ segment (ITU-T T.800, A.5.1)."""
    start = data.find(b"\xff\x4f\xff\x51")
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    depths = data[start + 42 : start + 42 + 3 * count : 3]
    return max((depth & 0x7F) + 1 for depth in depths) if start >= 0 and depths else _UNKNOWN_DEPTH


def _deep_samples(opened: OpenedPicture, data: bytes) -> tuple[Samples, str]:
    """All bits of a picture with more than 8 bits per sample."""
    image = opened.image
    if "transparency" not in image.info:
        if image.mode.startswith("I;16"):
            image.load()
            grey = np.asarray(image).astype(np.uint16)
            return np.repeat(grey[:, :, np.newaxis], 3, axis=2), "RGB"
        if opened.container == "HEIF":
            deep = open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
            return np.asarray(deep), deep.mode.partition(";")[0]
        if opened.container == "PNG":
            return _both_bytes(PngImageFile, data)
        if opened.container == "TIFF":
            return _both_bytes(TiffImageFile, data)
    raise PictureError("unsupported", "no decoder returns all of its bits")


def _both_bytes(opener: Callable[[io.BytesIO], ImageFile], data: bytes) -> tuple[Samples, str]:
    """16-bit colour. Pillow reads only the upper bytes; a second read with the bytes exchanged yields the lower."""
    upper, lower = opener(io.BytesIO(data)), opener(io.BytesIO(data))
    lower.tile = [tile._replace(args=_exchanged(tile.args)) for tile in lower.tile]
    planes = []
    for image in (upper, lower):
        image.load()
        planes.append(np.asarray(image).astype(np.uint16))
    return planes[0] << 8 | planes[1], upper.mode


def _exchanged(args: Any) -> Any:
    """The decoder's arguments, with the raw mode of the other byte order; only for modes with separate channels."""
    if isinstance(args, tuple) and args:
        return (_exchanged(args[0]), *args[1:])
    name, _, order = str(args).partition(";16")
    if name not in {"RGB", "RGBA", "CMYK"} or order not in _OTHER_BYTE:
        raise PictureError("unsupported", f"no decoder returns all bits of {args}")
    return f"{name};16{_OTHER_BYTE[order]}"


def _upright(pixels: Samples, turn: int) -> Samples:
    """Apply an EXIF orientation to samples."""
    if turn >= 5:
        pixels = pixels.swapaxes(0, 1)
    if turn in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if turn in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels
