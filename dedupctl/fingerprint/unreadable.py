"""Why no picture can be read from a file. Every failure becomes an `Unreadable`, and none stops a scan."""

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
"""Defaults without a configuration. The memory is what 2 GB leave to a worker that takes 192 MB itself."""
NEEDS_MEMORY = "memory"
"""The code of a picture that may be readable with more memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on decoding one picture."""

    max_pixels: int = MAX_PIXELS
    memory: int = MAX_MEMORY
    """Bytes, in addition to what the process already uses."""


DEFAULT_LIMITS = Limits()


class PictureError(Exception):
    """Carries an `Unreadable` from deep inside a decoder to the public functions of this package."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.outcome = Unreadable(code, message)


@contextmanager
def ignoring_warnings() -> Iterator[None]:
    """Suppress warnings. Pillow warns about hundreds of oddities in files; those that matter become an `Unreadable`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def unreadable_from(error: Exception) -> Unreadable:  # noqa: PLR0911 (a table, read from top to bottom)
    """Classify an exception as an `Unreadable`. The codes are stable, because they are shown and stored."""
    match error:
        case PictureError():
            return error.outcome
        case ChangedWhileReading():
            return Unreadable("changed", str(error))
        case NotRegular():
            return Unreadable("not-an-image", str(error))
        case FileNotFoundError() | NotADirectoryError():
            return Unreadable("vanished", "the file no longer exists")
        case PermissionError():
            return Unreadable("permission", "no permission to read the file")
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
    """Refuse a picture because of its header, before any pixel is allocated."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError("too-large", f"{width} x {height} pixels, more than {max_pixels // 1_000_000} megapixels")
    if width < 1 or height < 1:
        raise PictureError("corrupt", f"{width} x {height} pixels")


def check_memory(needed: int, limits: Limits) -> None:
    """Refuse a picture that needs more memory than it may have, before any of that is allocated."""
    if needed > limits.memory:
        raise PictureError(
            NEEDS_MEMORY, f"decoding needs about {needed >> 20:,} MB, more than {limits.memory >> 20:,} MB"
        )


def _line(error: Exception) -> str:
    """The text of an exception as one line."""
    text = " ".join(str(error).split())
    return text[:200] if text else type(error).__name__
