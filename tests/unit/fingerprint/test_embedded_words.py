"""A person's words are found in every container that programs write them into, and cameras' constants are not."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera
from dedupctl.fingerprint.embedded_words import LONGEST_BLOCK, MOST_BLOCKS, read_words

XMP = b"""<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
RATED = {WordKind.RATING: {"4"}}
BY_HAND = {WordKind.RATING: {"3"}, WordKind.CAPTION: {"By the sea"}, WordKind.TAGS: {"Anna", "sea"}}


def words(data: bytes) -> dict[WordKind, set[str]]:
    return {kind: set(values) for kind, values in read_words(io.BytesIO(data)).said.items()}


def saved(container: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, container, **options)
    return file.getvalue()


def exif_by_hand() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E], exif[0x4746], exif[0x9C9E] = "By the sea", 3, "sea;Anna".encode("utf-16-le")
    return exif


def with_xmp(container: str, xmp: bytes) -> bytes:
    if container == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        return saved("PNG", pnginfo=info)
    if container == "TIFF":
        return saved("TIFF", tiffinfo={700: xmp})
    return saved(container, xmp=xmp)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    plain = saved("JPEG")
    parts = (bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
    return plain[:2] + b"".join(parts) + plain[2:]


def png_with(kind: bytes, data: bytes, *, at_the_end: bool = False) -> bytes:
    plain = saved("PNG")
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    place = len(plain) - 12 if at_the_end else 33
    return plain[:place] + chunk + plain[place:]


def dataset(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def resources(iptc: bytes) -> bytes:
    """The IPTC block as Photoshop keeps it, after a resource of odd length."""
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\3abc" + struct.pack(">I", 3) + b"xyz\0"
    return other + b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(iptc)) + iptc


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL"])
def test_xmp_is_found(container: str) -> None:
    assert words(with_xmp(container, XMP)) == RATED
    assert words(saved(container)) == {}


@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL"])
def test_what_a_person_wrote_into_exif_is_found(container: str) -> None:
    assert words(saved(container, exif=exif_by_hand().tobytes())) == BY_HAND


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        (b"ASCII\0\0\0By the sea\0\0", {"By the sea"}),
        (b"UNICODE\0" + "Am Meer".encode("utf-16-le"), {"Am Meer"}),
        (b"UNICODE\0" + "Am Meer".encode("utf-16"), {"Am Meer"}),
        (bytes(8) + b"By the sea", {"By the sea"}),
        (b"ASCII\0\0\0" + b" " * 40, None),
        (b'ASCII\0\0\0{"mirror":false}', None),
        (bytes(range(1, 60)), None),
        (b"ASCII\0\0\0\x01\x02\x03\x04", None),
    ],
)
def test_a_user_comment_is_read_by_its_character_code(comment: bytes, found: set[str] | None) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    assert words(saved("JPEG", exif=exif.tobytes())).get(WordKind.CAPTION) == found


@pytest.mark.parametrize("utf8", [True, False])
def test_iptc_is_found_in_both_character_sets(utf8: bool) -> None:
    said = {WordKind.TITLE: {"Café"}, WordKind.TAGS: {"Anna", "mer"}, WordKind.CAPTION: {"À la plage"}}
    coding = "utf-8" if utf8 else "latin-1"
    datasets = [dataset(1, 90, b"\x1b%G")] if utf8 else []
    values = [(5, "Café"), (25, "Anna"), (25, "mer"), (120, "À la plage"), (80, "Photographer")]
    iptc = b"".join([*datasets, *(dataset(2, number, text.encode(coding)) for number, text in values)])
    block = b"Photoshop 3.0\0" + resources(iptc)
    assert words(jpeg_with((0xED, block))) == said
    assert words(jpeg_with((0xED, block[:40]), (0xED, b"Photoshop 3.0\0" + block[40:]))) == said
    assert words(saved("TIFF", tiffinfo={33723: iptc})) == said
    assert words(saved("TIFF", tiffinfo={34377: resources(iptc)})) == said
    raw_profile = b"\niptc\n%8d\n" % len(iptc) + resources(iptc).hex().encode() + b"\n"
    assert words(png_with(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(raw_profile))) == said


def test_extended_xmp_is_put_together() -> None:
    guid, long = b"0123456789ABCDEF" * 2, XMP.replace(b"<rdf:Description", b" " * 70_000 + b"<rdf:Description")
    parts = [(offset, long[offset : offset + 60_000]) for offset in range(0, len(long), 60_000)]
    head = b"http://ns.adobe.com/xmp/extension/\0"
    segments = [(0xE1, head + guid + struct.pack(">II", len(long), offset) + part) for offset, part in parts]
    assert words(jpeg_with(*reversed(segments))) == RATED


def test_png_words_are_found_after_the_pixels_and_in_plain_chunks() -> None:
    assert words(png_with(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP, at_the_end=True)) == RATED
    assert words(png_with(b"tEXt", b"Description\0By the sea")) == {WordKind.CAPTION: {"By the sea"}}
    assert words(png_with(b"tEXt", b"Software\0A program")) == {}


def test_jpeg_xl_and_jpeg_2000_keep_xmp_in_boxes() -> None:
    container = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    assert words(container + box(b"brob", b"xml " + brotli.compress(XMP)) + box(b"jxlc", b"\xff\x0a")) == RATED
    uuid = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    assert words(saved("JPEG2000") + box(b"uuid", uuid + XMP)) == RATED


def test_fujifilms_raw_has_the_words_of_the_jpeg_inside() -> None:
    head = b"FUJIFILMCCD-RAW".ljust(84, b"\0") + struct.pack(">I", 200)
    assert words(head.ljust(200, b"\0") + with_xmp("JPEG", XMP)) == RATED


def test_metadata_that_nobody_can_read_is_a_word_that_only_the_same_metadata_says() -> None:
    broken, other = (read_words(io.BytesIO(with_xmp("JPEG", data))) for data in (b"<broken", b"<other"))
    assert broken.lacking_in(Words()).in_words == "metadata that cannot be read"
    assert broken.lacking_in(other)
    assert not broken.lacking_in(broken)


@pytest.mark.parametrize("pack", [zlib.compress, brotli.compress])
def test_what_unpacks_without_end_is_not_unpacked(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b" " * (LONGEST_BLOCK + 1))
    if pack is zlib.compress:
        data = png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)
    else:
        data = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"brob", b"xml " + bomb)
    assert set(words(data)) == {WordKind.UNREADABLE}


def all_kinds() -> Iterator[bytes]:
    yield from (with_xmp(container, XMP) for container in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL"))
    yield from (saved(one, exif=exif_by_hand().tobytes()) for one in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"))
    yield jpeg_with((0xED, b"Photoshop 3.0\0" + resources(dataset(2, 25, b"sea"))))


def test_nothing_that_a_file_holds_stops_the_reading() -> None:
    """Cut off anywhere, and with any byte of the first kilobytes turned over, it is read or it says nothing."""
    for data in all_kinds():
        for place in range(0, min(len(data), 3000), 7):
            words(data[:place])
            words(data[:place] + bytes((data[place] ^ 0xFF,)) + data[place + 1 :])


@pytest.mark.parametrize(
    "text", ["OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM\\100GOPRO", "cof_soft", "  ", "???", "hdrpl", "NOVATEK CAMERA"]
)
def test_what_cameras_write_is_no_caption(text: str) -> None:
    assert is_by_camera(text)
    exif = Image.Exif()
    exif[0x010E] = text
    assert words(saved("JPEG", exif=exif.tobytes())) == {}


@pytest.mark.parametrize(
    "text", ["By the sea", "Digger", "Smart Anna", "My camera", "日本", "Image of Anna", "No. 5", "a <b> c"]
)
def test_what_people_write_is_a_caption(text: str) -> None:
    assert not is_by_camera(text)


def test_a_file_made_of_nothing_but_words_is_read_to_a_limit() -> None:
    exif = Image.Exif()
    exif[0x010E] = "By the sea"
    segments = [(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)] * MOST_BLOCKS
    assert words(jpeg_with(*segments, (0xE1, exif.tobytes()))) == RATED
    assert words(jpeg_with(*segments[1:], (0xE1, exif.tobytes()))) == RATED | {WordKind.CAPTION: {"By the sea"}}


def test_an_exif_directory_that_leads_nowhere_takes_nothing_from_the_first_one() -> None:
    """Met in a real photo: its place was a number that no file reaches."""
    directory = struct.pack("<HHHII", 3, 0x010E, 2, 11, 60) + struct.pack("<HHII", 0x8769, 4, 8, 70)
    rating = struct.pack("<HHIHH", 0x4746, 3, 1, 3, 0)
    tiff = (b"II*\0\x08\0\0\0" + directory + rating).ljust(60, b"\0") + b"By the sea\0".ljust(60, b"\xff")
    assert words(jpeg_with((0xE1, b"Exif\0\0" + tiff))) == {
        WordKind.CAPTION: {"By the sea"},
        WordKind.RATING: {"3"},
    }
