"""JPEG XL, opened without Pillow's plugin, which decodes every pixel before the size of the picture can be checked."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from pillow_jxl import Decoder

_CONTAINER = b"\x00\x00\x00\x0cJXL "
_HEADER_BYTES = 64
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


@dataclass(frozen=True, slots=True)
class JxlHeader:
    """The header at the start of the codestream (ISO/IEC 18181-1, annex D)."""

    width: int
    height: int
    orientation: int
    """The EXIF orientation that the decoder applies by itself."""
    bits: int
    """Bits per sample; 32 if unknown."""


@dataclass(frozen=True, slots=True)
class JxlPicture:
    """A decoded file: its pixels or, for a losslessly recompressed JPEG, the bytes of that JPEG."""

    image: Image.Image | None
    jpeg: bytes | None
    exif: bytes
    profile: bytes


def read_header(data: bytes) -> JxlHeader:
    """Read size, orientation and bit depth, without decoding anything.

    Raises:
        ValueError: the header is incomplete.
    """
    bits = _Bits(_codestream(data))
    width, height = _size(bits)
    if bits.take(1):  # all_default
        return JxlHeader(width, height, 1, 8)
    orientation, extras = 1, False
    if bits.take(1):  # extra_fields
        orientation = bits.take(3) + 1
        extras = bool(bits.take(3))  # intrinsic size, preview, animation: they are rare, and not parsed here
    depth = 32 if extras or bits.take(1) else bits.choose((0, 8), (0, 10), (0, 12), (6, 1))
    return JxlHeader(width, height, orientation, depth)


def decode(data: bytes) -> JxlPicture:
    """Decode on this thread only, because a pool of workers already keeps every core busy.

    Raises:
        ValueError: libjxl cannot decode it. It does not say why.
    """
    try:
        repacked, info, pixels, profile, boxes = Decoder(num_threads=0)(data)
    except RuntimeError as error:
        raise ValueError("libjxl cannot decode it") from error
    if repacked:
        return JxlPicture(None, bytes(pixels), b"", b"")
    mode = {"F;16": "F"}.get(info.mode, info.mode)
    image = Image.frombuffer(mode, (info.width, info.height), bytes(pixels), "raw", mode, 0, 1)
    exif = next((bytes(box.data) for box in boxes if box.box_type == b"Exif"), b"")
    return JxlPicture(image, None, exif[4:] if exif[4:6] in {b"II", b"MM"} else exif, bytes(profile or b""))


def _codestream(data: bytes) -> bytes:
    """The first bytes of the codestream, which a container may split into several boxes."""
    if not data.startswith(_CONTAINER):
        return data[2 : 2 + _HEADER_BYTES]
    found, place = b"", 0
    while len(found) < _HEADER_BYTES and place + 8 <= len(data):
        size, kind, start = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8], place + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = place + size if size else len(data)
        if end <= place:
            break
        if kind in {b"jxlc", b"jxlp"}:
            start += 4 if kind == b"jxlp" else 0
            found += data[start : min(end, start + _HEADER_BYTES)]
        place = end
    return found[2:]


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if not ratio:
        return _side(bits, small), height
    numerator, denominator = _RATIOS[ratio - 1]
    return height * numerator // denominator, height


def _side(bits: _Bits, small: int) -> int:
    return 8 * (bits.take(5) + 1) if small else bits.choose((9, 1), (13, 1), (18, 1), (30, 1))


class _Bits:
    """Bits of a codestream, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._left = 8 * len(data)
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header is truncated")
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return taken

    def choose(self, *widths: tuple[int, int]) -> int:
        """Read a number whose first two bits select how many bits follow and which offset is added to them."""
        width, offset = widths[self.take(2)]
        return self.take(width) + offset
