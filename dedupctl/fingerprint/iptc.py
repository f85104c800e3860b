"""What IPTC-IIM metadata says about a picture (IIM 4.2), and where Photoshop's image resources store it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera

_RESOURCE, _IPTC = b"8BIM", 0x0404
_TAG = 0x1C
_CHARSET = (1, 90)
_UTF8 = b"\x1b%G"
_WORDS: Mapping[tuple[int, int], WordKind] = {
    (2, 5): WordKind.TITLE,
    (2, 105): WordKind.TITLE,
    (2, 25): WordKind.TAGS,
    (2, 120): WordKind.CAPTION,
}


def words_in_iptc(data: bytes) -> Words:
    """What the datasets of records 1 and 2 say, up to the first damaged one."""
    datasets = list(_datasets(data))
    utf8 = any(number == _CHARSET and value.startswith(_UTF8) for number, value in datasets)
    said = [(_WORDS[number], _text(value, utf8=utf8)) for number, value in datasets if number in _WORDS]
    return Words.of((kind, text) for kind, text in said if not (kind is WordKind.CAPTION and is_by_camera(text)))


def iptc_in_resources(data: bytes) -> bytes:
    """The IPTC block in Photoshop's image resources; empty if there is none."""
    place = 0
    while data[place : place + 4] == _RESOURCE and place + 12 <= len(data):
        number = int.from_bytes(data[place + 4 : place + 6], "big")
        named = (data[place + 6] + 2) & ~1  # a Pascal string, padded to an even length
        start = place + 6 + named + 4
        size = int.from_bytes(data[start - 4 : start], "big")
        if number == _IPTC:
            return data[start : start + size]
        place = start + size + size % 2
    return b""


def _datasets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    place = 0
    while place + 5 <= len(data) and data[place] == _TAG:
        number = data[place + 1], data[place + 2]
        size, start = int.from_bytes(data[place + 3 : place + 5], "big"), place + 5
        if size & 0x8000:  # the other bits say how many bytes hold the length
            start += size & 0x7FFF
            size = int.from_bytes(data[place + 5 : start], "big")
        yield number, data[start : start + size]
        place = start + size


def _text(value: bytes, *, utf8: bool) -> str:
    """The decoded text. Few files name their character set, and many of those that do not are UTF-8 anyway."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace") if utf8 else value.decode("latin-1")
