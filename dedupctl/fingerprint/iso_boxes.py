"""Boxes of the ISO base media format (ISO/IEC 14496-12), and the metadata items of HEIF and AVIF (23008-12)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

_MOST_BOXES = 10_000
_XMP_TYPE = b"application/rdf+xml"


class Box(NamedTuple):
    kind: bytes
    start: int
    """Offset of its content in the file, in bytes."""
    size: int


def boxes(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The consecutive boxes from `start` on; a truncated one ends the list."""
    limit = file.seek(0, io.SEEK_END) if end is None else end
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        if start + 8 > limit or len(head) < 8:
            return
        size, kind, inner = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, inner = int.from_bytes(head[8:16], "big"), start + 16
        following = start + size if size else limit
        if not inner <= following <= limit:
            return
        yield Box(kind, inner, following - inner)
        start = following


def metadata_items(file: BinaryIO, start: int, size: int, longest: int) -> Iterator[tuple[bytes, bytes]]:
    """The type (`xml ` for XMP, `Exif`) and the bytes of the metadata items in a `meta` box.

    Items longer than `longest` are left out. A truncated box has no items.
    """
    with suppress(EOFError):
        yield from _metadata_items(file, start, size, longest)


def _metadata_items(file: BinaryIO, start: int, size: int, longest: int) -> Iterator[tuple[bytes, bytes]]:
    inside = {box.kind: box for box in boxes(file, start + 4, start + size)}
    if b"iinf" not in inside or b"iloc" not in inside:
        return
    kinds = dict(_item_kinds(file, inside[b"iinf"]))
    data = inside.get(b"idat")
    for item, extents in _item_places(_content(file, inside[b"iloc"]), 0 if data is None else data.start):
        if item in kinds and sum(length for _, length in extents) <= longest:
            yield kinds[item], b"".join(_bytes_at(file, *extent) for extent in extents)


def _item_kinds(file: BinaryIO, iinf: Box) -> Iterator[tuple[int, bytes]]:
    version = _content(file, iinf)[:1]
    first = iinf.start + (6 if version == b"\0" else 8)
    for box in boxes(file, first, iinf.start + iinf.size):
        fields = _Fields(_content(file, box))
        entry_version = fields.take(1)
        fields.take(3)
        if box.kind != b"infe" or entry_version not in (2, 3):
            continue
        item = fields.take(2 if entry_version == 2 else 4)
        fields.take(2)
        kind, texts = fields.rest[:4], fields.rest[4:].split(b"\0")
        if kind == b"Exif":
            yield item, kind
        elif kind == b"mime" and len(texts) > 1 and texts[1] == _XMP_TYPE:
            yield item, b"xml "


def _item_places(iloc: bytes, data_start: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Where the bytes of each item are: (offset in the file, length)."""
    fields = _Fields(iloc)
    version = fields.take(1)
    fields.take(3)
    sizes = fields.take(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(min(fields.take(4 if version == 2 else 2), _MOST_BOXES)):
        item = fields.take(4 if version == 2 else 2)
        method = fields.take(2) & 15 if version else 0
        fields.take(2)
        base = fields.take(base_size)
        extents = []
        for _ in range(min(fields.take(2), _MOST_BOXES)):
            if version:
                fields.take(index_size)
            offset = base + fields.take(offset_size)
            extents.append((offset + (data_start if method == 1 else 0), fields.take(length_size)))
        if method in (0, 1):
            yield item, extents


def _content(file: BinaryIO, box: Box) -> bytes:
    return _bytes_at(file, box.start, box.size)


def _bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


class _Fields:
    """A reader of consecutive big-endian numbers."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def rest(self) -> bytes:
        return self._data[self._place :]

    def take(self, size: int) -> int:
        end = self._place + size
        if end > len(self._data):
            raise EOFError
        value, self._place = int.from_bytes(self._data[self._place : end], "big"), end
        return value
