"""The few TIFF tags in which people can say something: in EXIF, in TIFF files and in RAW files based on TIFF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera
from dedupctl.fingerprint.iptc import iptc_in_resources, words_in_iptc
from dedupctl.fingerprint.xmp import words_in_packet

LONGEST_VALUE = 1 << 24
_MOST_TAGS = 4096
_FARTHEST = 1 << 48
"""Bytes; no file is so large that this could be an offset in it."""
_BIG = 43
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value by field type; fractions and floating-point numbers are left out because they hold no text."""
_DESCRIPTION, _XMP, _RATING, _IPTC, _RESOURCES, _EXIF = 270, 700, 0x4746, 33723, 34377, 0x8769
_XP = {0x9C9B: WordKind.TITLE, 0x9C9C: WordKind.CAPTION, 0x9C9F: WordKind.CAPTION, 0x9C9E: WordKind.TAGS}
"""What Windows Explorer writes, in UTF-16; several tags are separated by semicolons."""
_COMMENT = 0x9286
_CHARACTER_CODES = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): "utf-8"}
_WANTED = frozenset({_DESCRIPTION, _XMP, _RATING, _IPTC, _RESOURCES, _EXIF, _COMMENT, *_XP})


def words_in_tiff(file: BinaryIO, start: int = 0) -> Words:
    """What the first directory of the TIFF structure at `start`, and its EXIF directory, say.

    A truncated directory, which many cameras write, counts as far as it goes.
    """
    found = Words()
    with suppress(EOFError):
        for words in _Tiff(file, start).words():
            found |= words
    return found


class _Tiff:
    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start
        head = self._read(0, 4)
        if head[:2] not in (b"II", b"MM"):
            raise EOFError
        self._order = "<" if head[:2] == b"II" else ">"
        self._big = self._number(head[2:4]) == _BIG

    def words(self) -> Iterator[Words]:
        first = self._number(self._read(8, 8) if self._big else self._read(4, 4))
        for tag, value in self._tags(first):
            if tag == _EXIF:
                with suppress(EOFError):
                    for inner, comment in self._tags(self._number(value)):
                        yield self._words_of(inner, comment)
            else:
                yield self._words_of(tag, value)

    def _words_of(self, tag: int, value: bytes) -> Words:
        if tag == _XMP:
            return words_in_packet(value) if value.strip(b"\0 ") else Words()
        if tag == _IPTC:
            return words_in_iptc(value)
        if tag == _RESOURCES:
            return words_in_iptc(iptc_in_resources(value))
        return Words.of(_plain_words(tag, value, self._number(value[:2]) if tag == _RATING else 0, self._order))

    def _tags(self, place: int) -> Iterator[tuple[int, bytes]]:
        """The tags of the directory at `place` that are in `_WANTED`, with their values as bytes."""
        count_size, entry_size, inline = (8, 20, 8) if self._big else (2, 12, 4)
        count = min(self._number(self._read(place, count_size)), _MOST_TAGS)
        entries = self._read(place + count_size, count * entry_size, whole=False)
        wanted = set(_WANTED)  # each tag once: otherwise one that occurs a thousand times would be read as often
        for at in range(0, len(entries) - entry_size + 1, entry_size):
            tag, kind = (self._number(entries[at + step : at + step + 2]) for step in (0, 2))
            size = self._number(entries[at + 4 : at + 4 + inline]) * _SIZES.get(kind, 0)
            if tag not in wanted or not 0 < size <= LONGEST_VALUE:
                continue
            wanted.remove(tag)
            value = entries[at + 4 + inline : at + entry_size]
            if size <= inline:
                yield tag, value[:size]
            else:
                yield tag, self._read(self._number(value), size, whole=False)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self._order == "<" else "big")

    def _read(self, place: int, size: int, *, whole: bool = True) -> bytes:
        if place > _FARTHEST:
            raise EOFError
        self._file.seek(self._start + place)
        data = self._file.read(size)
        if whole and len(data) < size:
            raise EOFError
        return data


def _plain_words(tag: int, value: bytes, number: int, order: str) -> Iterator[tuple[WordKind, str]]:
    if tag == _RATING:
        yield WordKind.RATING, str(number)
    elif tag in _XP:
        text = value.decode("utf-16-le", "replace")
        for part in text.split(";") if _XP[tag] is WordKind.TAGS else [text]:
            yield _XP[tag], part
    else:
        text = _commented(value, order) if tag == _COMMENT else _decoded(value)
        if not is_by_camera(text):
            yield WordKind.CAPTION, text


def _commented(value: bytes, order: str) -> str:
    """The text of a user comment. Its first eight bytes name the character code; without one it is not text."""
    code = _CHARACTER_CODES.get(value[:8])
    if code is None:
        return ""
    text = value[8:]
    if code == "utf-16" and text[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        # Programs disagree on whether the byte order of the file applies. In Latin scripts the zero bytes tell.
        zeros_first, zeros_last = text[::2].count(0), text[1::2].count(0)
        little = order == "<" if zeros_first == zeros_last else zeros_last > zeros_first
        code = "utf-16-le" if little else "utf-16-be"
    decoded = text.decode(code, "replace") if code != "utf-8" else _decoded(text)
    # Binary data that camera makers write here may decode to anything.
    return decoded.rstrip("\0 ") if decoded.rstrip("\0 ").isprintable() or "\n" in decoded else ""


def _decoded(value: bytes) -> str:
    try:
        return value.rstrip(b"\0 ").decode("utf-8")
    except UnicodeDecodeError:
        return value.rstrip(b"\0 ").decode("latin-1")
