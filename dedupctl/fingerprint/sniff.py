"""Telling the container of a file from its first bytes. The suffix only decides whether a file is worth opening."""

from __future__ import annotations

import os

HEAD_BYTES = 64
"""How many bytes of a file `container_of` needs."""

PICTURE_SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .webp .gif .bmp .dib .tif .tiff .jp2 .j2k .j2c .jpf .jpx .avif .heic .heif .hif "
    b".jxl .dng .cr2 .cr3 .nef .nrw .arw .srf .sr2 .raf .orf .rw2 .rwl .pef .srw .x3f .mrw .3fr .iiq .erf "
    b".kdc .dcr".split()
)

_JXL_BOX = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\xff\x0a", "JXL"),
    (_JXL_BOX, "JXL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\x00", "RAW"),
    (b"FOVb", "RAW"),
    (b"\x00MRM", "RAW"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_GENERIC_BRANDS = frozenset({b"mif1", b"mif2", b"msf1"})
_BRANDS = (
    (frozenset({b"avif", b"avis"}), "AVIF"),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}) | _GENERIC_BRANDS, "HEIF"),
    (frozenset({b"crx "}), "RAW"),
)
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def container_of(head: bytes) -> str | None:
    """The container of a file that starts with `head` (its first HEAD_BYTES); None if it is not a picture.

    One of "JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "JPEG2000", "AVIF", "HEIF", "JXL", "RAW". A camera RAW with the
    structure of a TIFF is "TIFF" here; its tags tell once it is opened.
    """
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _container_of_brands(head)
    # Two letters prove nothing: many text files start with "BM".
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return None


def webp_size(head: bytes) -> tuple[int, int]:
    """Width and height according to the first bytes of a WebP (RFC 9649); (1, 1) if they do not say."""
    kind, data = head[12:16], head[20:]
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    return 1, 1


def looks_like_picture(path: bytes) -> bool:
    """Whether a file is worth opening: it has the suffix of a picture or, without a suffix, the first bytes of one.

    The suffix may be that of another picture format, because `container_of` decides later. Files with any other suffix,
    such as videos and sidecars, are skipped without being opened. So is a file without a suffix that cannot be opened.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix:
        return suffix in PICTURE_SUFFIXES
    try:
        with open(path, "rb") as file:
            return container_of(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _container_of_brands(head: bytes) -> str | None:
    """The container of an ISO base media file: by major brand, then compatible brands (a `mif1` file may be AVIF)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))]
    if brands[0] in _GENERIC_BRANDS:
        brands.sort(key=lambda brand: brand in _GENERIC_BRANDS)
    for brand in brands:
        for known, container in _BRANDS:
            if brand in known:
                return container
    return None
