"""Digests: of a whole file, which must not change while it is read, and of the image stream inside a JPEG."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from blake3 import blake3

from dedupctl.domain import Identity
from dedupctl.fingerprint.colour_profiles import profile_meaning

CHUNK_BYTES = 1 << 20

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APPS = range(0xE0, 0xF0)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In entropy-coded data 0xFF is followed by 0x00, a restart marker or another 0xFF; anything else ends the scan."""


class ChangedWhileReading(OSError):
    """The file was replaced or written to after it was found and before it was completely read."""


class NotRegular(OSError):
    """A directory, pipe, socket or device, which has no permanent bytes."""


@contextmanager
def open_steady(path: bytes, expected: Identity | None = None) -> Iterator[tuple[BinaryIO, Identity]]:
    """Open a file for reading, and check at the end of the block that it has not changed since the start.

    Raises:
        ChangedWhileReading: the file does not have the `expected` identity, or it changed during the block.
        NotRegular: it is not a regular file. A pipe is never waited for.
        OSError: `open` failed.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(path, flags)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise NotRegular("not a regular file")
        identity = Identity.of(before)
        if expected is not None and identity != expected:
            raise ChangedWhileReading("the file changed since it was found")
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file, identity
        if Identity.of(os.fstat(descriptor)) != identity:
            raise ChangedWhileReading("the file changed while it was read")
    finally:
        os.close(descriptor)


def digest_stream(file: BinaryIO) -> bytes:
    """BLAKE3 (32 bytes) of everything from the current position to the end, read in chunks."""
    hasher = blake3()
    while chunk := file.read(CHUNK_BYTES):
        hasher.update(chunk)
    return hasher.digest()


def jpeg_stream_digest(data: bytes | memoryview, orientation: int = 1) -> bytes | None:
    """BLAKE3 of what a JPEG shows, computed without decoding; None for anything but a complete JPEG.

    Metadata segments (APPn, COM) are left out, except for what affects how the picture is shown: whether the samples
    are RGB or YCbCr (APP0, APP14), the ICC profile unless it is sRGB (APP2), and the EXIF `orientation`. What follows
    the end of the first image counts too, unless it is only zero padding: a copy without the second picture of an MPO,
    the gain map or the video of a motion photo could not replace the original.
    """
    segments = _Segments(memoryview(data))
    hasher = blake3()
    if not segments.feed(hasher):
        return None
    for part in (segments.colours(), bytes([orientation]), segments.extras()):
        hasher.update(len(part).to_bytes(4, "big") + part)
    return hasher.digest()


def jpeg_extras(data: bytes | memoryview) -> bytes:
    """BLAKE3 of what follows the first image of a JPEG; empty if that is nothing but zero padding."""
    segments = _Segments(memoryview(data))
    return segments.extras() if segments.feed(blake3()) else b""


class _Segments:
    """One walk over the marker segments of a JPEG (ITU-T T.81, annex B)."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._end = 0
        self._profile: dict[int, memoryview] = {}
        self._components = b""
        self._jfif = False
        self._adobe: int | None = None

    def feed(self, hasher: blake3) -> bool:
        """Feed the hasher every segment that is part of the image; False if the end of the image is not reached."""
        data, place = self._data, 2
        if bytes(data[:2]) != bytes((0xFF, _SOI)):
            return False
        while place + 4 <= len(data) or bytes(data[place : place + 2]) == bytes((0xFF, _EOI)):
            if data[place] != 0xFF:
                return False
            marker = data[place + 1]
            if marker == 0xFF:  # fill byte
                place += 1
                continue
            if marker == _EOI:
                self._end = place + 2
                return True
            end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
            if end > len(data):
                return False
            self._note(marker, data[place + 4 : end])
            if marker == _SOS:
                scan = _NEXT_MARKER.search(data, end)
                if scan is None:
                    return False
                end = scan.start()
            if marker not in _APPS and marker != _COM:
                hasher.update(data[place:end])
            place = end
        return False

    def colours(self) -> bytes:
        """How samples become colours: the colour transform that libjpeg chooses, then the profile."""
        profile = b"".join(self._profile[number] for number in sorted(self._profile))
        return self._transform() + (profile_meaning(profile) if profile else b"")

    def extras(self) -> bytes:
        rest = bytes(self._data[self._end :]).strip(b"\0")
        return blake3(rest).digest() if rest else b""

    def _note(self, marker: int, payload: memoryview) -> None:
        head = bytes(payload[:12])
        if marker == 0xE0 and head.startswith(b"JFIF\0"):
            self._jfif = True
        elif marker == 0xE2 and head == b"ICC_PROFILE\0" and len(payload) > 14:
            self._profile.setdefault(payload[12], payload[14:])
        elif marker == 0xEE and head.startswith(b"Adobe") and len(payload) >= 12:
            self._adobe = payload[11]
        elif marker in _FRAMES:
            self._components = bytes(payload[6::3])

    def _transform(self) -> bytes:
        """The choice of libjpeg's `default_decompress_parms`; Pillow inverts four components with an Adobe marker."""
        if len(self._components) == 3:
            if self._jfif:
                return b"YCbCr"
            if self._adobe is not None:
                return b"RGB" if self._adobe == 0 else b"YCbCr"
            return b"RGB" if self._components == b"RGB" else b"YCbCr"
        if len(self._components) == 4:
            return b"CMYK" if self._adobe is None else b"Adobe %d" % self._adobe
        return b"L"
