"""What people have said about a picture in the file itself: XMP, IPTC and EXIF, wherever the container stores them.

Only the structure around the picture is read, one segment, box or chunk at a time. No pixel is decoded, so nothing here
takes long or needs much memory. In other containers (GIF, BMP, RAW formats that are not TIFF) nothing is found.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO

import brotli

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera
from dedupctl.fingerprint.iptc import iptc_in_resources, words_in_iptc
from dedupctl.fingerprint.iso_boxes import boxes, metadata_items
from dedupctl.fingerprint.sniff import HEAD_BYTES, container_of
from dedupctl.fingerprint.tiff_tags import words_in_tiff
from dedupctl.fingerprint.xmp import unreadable, words_in_packet

LONGEST_BLOCK = 1 << 24
"""Bytes after decompression; the masks of a heavily edited photo take a few million."""
MOST_BLOCKS = 64
"""A file made to keep its reader busy may have thousands of blocks."""
_EXIF_HEAD = b"Exif\0\0"
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_HEAD = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP_HEAD = b"Photoshop 3.0\0"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_RAW_PROFILE = b"Raw profile type "
_RAF, _RAF_JPEG_AT = b"FUJIFILMCCD-RAW", 84
_PNG_TEXTS = {b"Title": WordKind.TITLE, b"Description": WordKind.CAPTION, b"Comment": WordKind.CAPTION}


def read_words(file: BinaryIO) -> Words:
    """What the picture in `file`, positioned at its start, says; empty if it is not a picture.

    If a structure is truncated, what precedes the cut counts. A block that cannot be interpreted is a statement itself.

    Raises:
        OSError: the file cannot be read.
    """
    head = file.read(HEAD_BYTES)
    reader = _in_raf if head.startswith(_RAF) else _READERS.get(container_of(head) or "")
    found = Words()
    if reader is not None:
        file.seek(0)
        for words in islice(reader(file), MOST_BLOCKS):
            found |= words
    return found


def _in_jpeg(file: BinaryIO, start: int = 0) -> Iterator[Words]:
    extended, photoshop = dict[bytes, dict[int, bytes]](), bytearray()
    for marker, payload in _segments(file, start):
        if marker == 0xE1 and payload.startswith(_EXIF_HEAD):
            yield _in_exif(payload)
        elif marker == 0xE1 and payload.startswith(_XMP_HEAD):
            yield _in_xmp(payload[len(_XMP_HEAD) :])
        elif marker == 0xE1 and payload.startswith(_EXTENDED_HEAD):
            chunk = payload[len(_EXTENDED_HEAD) :]
            extended.setdefault(chunk[:32], {})[int.from_bytes(chunk[36:40], "big")] = chunk[40:]
        elif marker == 0xED and payload.startswith(_PHOTOSHOP_HEAD):
            photoshop += payload[len(_PHOTOSHOP_HEAD) :]
    for chunks in extended.values():
        yield _in_xmp(b"".join(chunks[offset] for offset in sorted(chunks)))
    yield words_in_iptc(iptc_in_resources(bytes(photoshop)))


def _segments(file: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """The application segments before the first scan: marker and payload (ITU-T T.81, annex B)."""
    file.seek(start + 2)
    while len(head := file.read(2)) == 2 and head[0] == 0xFF:
        marker = head[1]
        if marker == 0xFF:  # fill byte
            file.seek(-1, io.SEEK_CUR)
            continue
        size = int.from_bytes(file.read(2), "big") - 2
        if marker in (0xDA, 0xD9) or size < 0:
            return
        if 0xE0 <= marker <= 0xEF:
            yield marker, file.read(size)
        else:
            file.seek(size, io.SEEK_CUR)


def _in_png(file: BinaryIO) -> Iterator[Words]:
    file.seek(8)  # all chunks are read, because the text may follow the pixels
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind in _PNG_CHUNKS and size <= LONGEST_BLOCK:
            yield _understood(_PNG_CHUNKS[kind], file.read(size))
            file.seek(4, io.SEEK_CUR)
        else:
            file.seek(size + 4, io.SEEK_CUR)


def _in_international_text(data: bytes) -> Words:
    keyword, _, rest = data.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return _in_png_text(keyword, _inflated(text) if rest[:1] == b"\1" else text, "utf-8")


def _in_plain_text(data: bytes) -> Words:
    keyword, _, text = data.partition(b"\0")
    return _in_png_text(keyword, text, "latin-1")


def _in_compressed_text(data: bytes) -> Words:
    keyword, _, rest = data.partition(b"\0")
    wanted = keyword in _PNG_TEXTS or keyword.startswith(_RAW_PROFILE)
    return _in_png_text(keyword, _inflated(rest[1:]), "latin-1") if wanted else Words()


def _in_png_text(keyword: bytes, text: bytes, encoding: str) -> Words:
    if keyword == b"XML:com.adobe.xmp":
        return _in_xmp(text)
    if keyword.startswith(_RAW_PROFILE):
        return _in_raw_profile(keyword.removeprefix(_RAW_PROFILE), text)
    said = text.decode(encoding, "replace")
    return Words() if keyword not in _PNG_TEXTS or is_by_camera(said) else Words.of([(_PNG_TEXTS[keyword], said)])


def _in_raw_profile(name: bytes, text: bytes) -> Words:
    """ImageMagick writes blocks of other formats in hexadecimal, after a name and a length."""
    block = bytes.fromhex("".join(text.decode("ascii", "replace").split()[2:]))
    if name == b"xmp":
        return _in_xmp(block)
    if name in {b"iptc", b"8bim"}:
        return words_in_iptc(iptc_in_resources(block) or block)
    return _in_exif(block) if name in {b"exif", b"APP1"} else Words()


def _in_webp(file: BinaryIO) -> Iterator[Words]:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        if kind in {b"XMP ", b"EXIF"} and size <= LONGEST_BLOCK:
            data = file.read(size)
            yield _in_xmp(data) if kind == b"XMP " else _in_exif(data)
            file.seek(size % 2, io.SEEK_CUR)
        else:
            file.seek(size + size % 2, io.SEEK_CUR)


def _in_boxes(file: BinaryIO) -> Iterator[Words]:
    """HEIF and AVIF store XMP and EXIF as items, JPEG XL in boxes of their own, JPEG 2000 and CR3 in a UUID box."""
    for kind, start, size in boxes(file):
        if size > LONGEST_BLOCK:
            continue
        if kind == b"meta":
            for item, data in metadata_items(file, start, size, LONGEST_BLOCK):
                yield _in_box(item + data)
        elif kind in {b"uuid", b"xml ", b"Exif", b"brob"}:
            file.seek(start)
            yield _understood(_in_box, kind + file.read(size))


def _in_box(box: bytes) -> Words:
    """`box` is the four bytes of its type, followed by its content."""
    kind, data = box[:4], box[4:]
    if kind == b"brob" and data[:4] in {b"xml ", b"Exif"}:
        return _in_box(data[:4] + _unbrotlied(data[4:]))
    if kind == b"uuid" and data.startswith(_XMP_UUID):
        return _in_xmp(data[len(_XMP_UUID) :])
    if kind == b"Exif":  # it starts with the offset of the TIFF structure, which some programs leave out
        start = 4 + int.from_bytes(data[:4], "big")
        return _in_exif(data[start:] if start < len(data) else data)
    return _in_xmp(data) if kind == b"xml " else Words()


def _in_raf(file: BinaryIO) -> Iterator[Words]:
    """In Fujifilm's RAW the embedded JPEG holds the metadata."""
    file.seek(_RAF_JPEG_AT)
    yield from _in_jpeg(file, int.from_bytes(file.read(4), "big"))


def _in_tiff(file: BinaryIO) -> Iterator[Words]:
    yield words_in_tiff(file)


def _in_exif(data: bytes) -> Words:
    return words_in_tiff(io.BytesIO(data.removeprefix(_EXIF_HEAD)))


def _in_xmp(data: bytes) -> Words:
    if len(data) > LONGEST_BLOCK:
        return unreadable(data)
    return words_in_packet(data) if data.strip(b"\0 \r\n\t") else Words()


def _understood(read: Callable[[bytes], Words], block: bytes) -> Words:
    try:
        return read(block)
    except (ValueError, zlib.error, brotli.error):
        return unreadable(block)


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(data, LONGEST_BLOCK)
    if not unpacker.eof:
        raise ValueError("truncated, or far too long for metadata")
    return text


def _unbrotlied(data: bytes) -> bytes:
    unpacker = brotli.Decompressor()
    text: bytes = unpacker.process(data, output_buffer_limit=LONGEST_BLOCK)
    if not unpacker.is_finished() or len(text) > LONGEST_BLOCK:  # brotli rounds the limit up to its next block
        raise ValueError("truncated, or far too long for metadata")
    return text


_PNG_CHUNKS: Mapping[bytes, Callable[[bytes], Words]] = {
    b"iTXt": _in_international_text,
    b"tEXt": _in_plain_text,
    b"zTXt": _in_compressed_text,
    b"eXIf": _in_exif,
}
_READERS: Mapping[str, Callable[[BinaryIO], Iterator[Words]]] = {
    "JPEG": _in_jpeg,
    "PNG": _in_png,
    "WEBP": _in_webp,
    "TIFF": _in_tiff,
    "RAW": _in_tiff,
    "HEIF": _in_boxes,
    "AVIF": _in_boxes,
    "JXL": _in_boxes,
    "JPEG2000": _in_boxes,
}
