"""How much memory a decoder will need, estimated from the header. Estimates are high: one too low costs a second try.

If the estimate is exceeded anyway, the worker's memory limit makes the decoder fail, and `loading` reports that the
limit may be the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.fingerprint.unreadable import NEEDS_MEMORY, Limits, PictureError

WHOLE_FILE = {"JXL": 10, "HEIF": 10, "AVIF": 11, "WEBP": 17, "RAW": 8}
"""Bytes per pixel for decoders that process the whole picture at once; they hold the file, too. Measured at 36
megapixels and 8 bits without alpha, the most expensive of several encodings: 7.6, 9.5, 10.2, 15.6; RAW is estimated."""
_DEEP_FACTOR = 1.5
"""Alpha, or more than 8 bits per sample, raise it by up to this factor."""
_COEFFICIENT = 2
"""Bytes per sample of a progressive JPEG: libjpeg keeps all coefficients until it has read the last scan."""
_OVERHEAD = 8 << 20
_SUSPECT = 8
"""Bytes per pixel that a decoder may have needed if it failed without saying why."""


def whole_file_memory(container: str, size: tuple[int, int], file_bytes: int, *, is_deep: bool = False) -> int:
    """Bytes to decode one of the `WHOLE_FILE` formats; `is_deep` means alpha or more than 8 bits per sample."""
    factor = _DEEP_FACTOR if is_deep else 1
    return int(size[0] * size[1] * WHOLE_FILE[container] * factor) + 2 * file_bytes + _OVERHEAD


def loaded_memory(image: Image.Image) -> int:
    """Bytes for the pixels of a picture whose decoder writes directly into Pillow's memory."""
    return image.width * image.height * _bytes_per_pixel(image.mode) + _OVERHEAD


def jpeg_memory(image: JpegImageFile, full_size: tuple[int, int]) -> int:
    """Bytes to decode a JPEG of this size at the reduced size of its draft."""
    needed = loaded_memory(image)
    if "progressive" in image.info:
        layers = [(horizontal, vertical) for _, horizontal, vertical, _ in image.layer]
        most = max(h for h, _ in layers) * max(v for _, v in layers)
        samples = sum(h * v for h, v in layers) / most
        needed += int(full_size[0] * full_size[1] * samples * _COEFFICIENT)
    return needed


def file_bytes(file: BinaryIO) -> int:
    """The size of an open file, without changing its position."""
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    return size


@contextmanager
def loading(size: tuple[int, int], limits: Limits) -> Iterator[None]:
    """Wraps a decoder that, like most, does not say so if it fails for lack of memory."""
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # decoders raise exceptions of any kind
        if size[0] * size[1] * _SUSPECT > limits.memory:
            raise PictureError(NEEDS_MEMORY, f"possibly out of memory: {error}") from error
        raise


def _bytes_per_pixel(mode: str) -> int:
    if mode in {"1", "L", "P"}:
        return 1
    return 2 if mode.startswith("I;16") else 4
