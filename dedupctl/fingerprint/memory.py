"""How much memory a decoder will take, told from the header: generously, because a wrong guess costs a second try.

Where it is exceeded all the same, the worker's limit makes the decoder fail, and `loading` says that it may have been
for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dedupctl.fingerprint.outcome import NEEDS_MEMORY, Limits, PictureError

WHOLE_FILE = {"JXL": 10, "HEIF": 10, "AVIF": 11, "WEBP": 17, "RAW": 8}
"""Bytes a pixel of the decoders that want all of a picture at once; they hold the file, too. Measured at 36 megapixels
and 8 bits without alpha, the dearest of several encodings: 7.6, 9.5, 10.2, 15.6; that of RAW is reckoned."""
_A_SAMPLE_TOO_MANY = 1.5
"""Alpha or more bits a sample make it up to so many times more."""
_COEFFICIENT = 2
"""Bytes for each sample of a progressive JPEG, all of which libjpeg keeps until the last scan is read."""
_LITTLE = 8 << 20
_SUSPECT = 8
"""Bytes a pixel that a decoder may have wanted which failed without saying why."""


def whole_file_memory(container: str, size: tuple[int, int], file_bytes: int, *, is_deep: bool = False) -> int:
    """Bytes that decoding takes in one of the `WHOLE_FILE` formats; `is_deep`: alpha, or more than 8 bits a sample."""
    factor = _A_SAMPLE_TOO_MANY if is_deep else 1
    return int(size[0] * size[1] * WHOLE_FILE[container] * factor) + 2 * file_bytes + _LITTLE


def loaded_memory(image: Image.Image) -> int:
    """Bytes of the pixels of a picture whose decoder writes them where Pillow keeps them."""
    return image.width * image.height * _bytes_a_pixel(image.mode) + _LITTLE


def jpeg_memory(image: JpegImageFile, full_size: tuple[int, int]) -> int:
    """Bytes that a JPEG of this size takes to decode at the size that its draft has."""
    taken = loaded_memory(image)
    if "progressive" in image.info:
        layers = [(horizontal, vertical) for _, horizontal, vertical, _ in image.layer]
        most = max(h for h, _ in layers) * max(v for _, v in layers)
        samples = sum(h * v for h, v in layers) / most
        taken += int(full_size[0] * full_size[1] * samples * _COEFFICIENT)
    return taken


def file_bytes(file: BinaryIO) -> int:
    """The size of an open file, whose position stays."""
    place = file.tell()
    size = file.seek(0, 2)
    file.seek(place)
    return size


@contextmanager
def loading(size: tuple[int, int], limits: Limits) -> Iterator[None]:
    """Around a decoder that may fail for want of memory without a word of it, as most of them do."""
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they like
        if size[0] * size[1] * _SUSPECT > limits.memory:
            raise PictureError(NEEDS_MEMORY, f"perhaps for want of memory: {error}") from error
        raise


def _bytes_a_pixel(mode: str) -> int:
    if mode in {"1", "L", "P"}:
        return 1
    return 2 if mode.startswith("I;16") else 4
