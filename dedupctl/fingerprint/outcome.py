"""The ways in which a file gives no picture: each becomes an `Unreadable`, and none stops a scan."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

from dedupctl.domain import Unreadable
from dedupctl.fingerprint.digest import ChangedWhileReading, NotRegular

MAX_PIXELS = 512_000_000
MAX_MEMORY = 1_856 << 20
"""Where no config says otherwise: what is left of 2 GB in a worker of 192 MB."""
NEEDS_MEMORY = "memory"
"""The code of a picture that may be readable where there is more memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one picture may take."""

    max_pixels: int = MAX_PIXELS
    memory: int = MAX_MEMORY
    """Bytes, besides what the process holds already."""


DEFAULT_LIMITS = Limits()


class PictureError(Exception):
    """Carries an `Unreadable` from the depth of a decoder to the door of this room."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.outcome = Unreadable(code, message)


@contextmanager
def quietly() -> Iterator[None]:
    """Pillow warns of oddities in files by the hundred; what matters of them becomes an outcome."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def outcome_of(error: Exception) -> Unreadable:  # noqa: PLR0911 (a table, read from top to bottom)
    """What to call the way in which a file could not be read. Codes are stable, they are shown and stored."""
    match error:
        case PictureError():
            return error.outcome
        case ChangedWhileReading():
            return Unreadable("changed", str(error))
        case NotRegular():
            return Unreadable("not-an-image", str(error))
        case FileNotFoundError() | NotADirectoryError():
            return Unreadable("vanished", "the file is not there any more")
        case PermissionError():
            return Unreadable("permission", "no permission to read it")
        case MemoryError():
            return Unreadable(NEEDS_MEMORY, "there is not enough memory to decode it")
        case Image.DecompressionBombError():
            return Unreadable("too-large", _line(error))
        case OSError(errno=int()):
            return Unreadable("io", error.strerror or _line(error))
        case NotImplementedError():
            return Unreadable("unsupported", _line(error))
    text = _line(error)
    if any(sign in text.lower() for sign in ("out of memory", "insufficient memory", "memory allocation")):
        return Unreadable(NEEDS_MEMORY, text)
    if any(sign in text.lower() for sign in ("truncated", "unexpected end", "end of file", "cut off")):
        return Unreadable("truncated", text)
    if any(sign in text.lower() for sign in ("unknown pixel mode", "unsupported", "not supported")):
        return Unreadable("unsupported", text)
    return Unreadable("corrupt", text)


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a picture by its header, before a pixel of it is allocated."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError("too-large", f"{width} x {height} pixels, more than {max_pixels // 1_000_000} megapixels")
    if width < 1 or height < 1:
        raise PictureError("corrupt", f"{width} x {height} pixels")


def check_memory(needed: int, limits: Limits) -> None:
    """Refuse a picture that would take more memory than there is for it, before any of it is allocated."""
    if needed > limits.memory:
        raise PictureError(
            NEEDS_MEMORY, f"decoding takes about {needed >> 20:,} MB, more than {limits.memory >> 20:,} MB"
        )


def _line(error: Exception) -> str:
    """One line for people."""
    text = " ".join(str(error).split())
    return text[:200] if text else type(error).__name__
