"""What an XMP document says about its picture: XMP part 1, IPTC, MWG regions and the properties of some programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias
from xml.etree import ElementTree as ET

from blake3 import blake3

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera

Name: TypeAlias = str
"""Namespace and local name, as `{namespace}local`."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_MICROSOFT = "http://ns.microsoft.com/photo/1.0/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_ACDSEE = "http://ns.acdsee.com/iptc/1.0/"
_CRS = "http://ns.adobe.com/camera-raw-settings/1.0/"
_DARKTABLE = "http://darktable.sf.net/"

_WORDS: Mapping[Name, WordKind] = {
    f"{{{_XMP}}}Rating": WordKind.RATING,
    f"{{{_ACDSEE}}}rating": WordKind.RATING,
    f"{{{_XMP}}}Label": WordKind.LABEL,
    f"{{{_DC}}}subject": WordKind.TAGS,
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": WordKind.TAGS,
    f"{{{_DIGIKAM}}}TagsList": WordKind.TAGS,
    f"{{{_MICROSOFT}}}LastKeywordXMP": WordKind.TAGS,
    f"{{{_ACDSEE}}}keywords": WordKind.TAGS,
    f"{{{_DC}}}title": WordKind.TITLE,
    f"{{{_PHOTOSHOP}}}Headline": WordKind.TITLE,
    f"{{{_DC}}}description": WordKind.CAPTION,
    f"{{{_ACDSEE}}}caption": WordKind.CAPTION,
    "{http://ns.adobe.com/exif/1.0/}UserComment": WordKind.CAPTION,
    "{http://ns.adobe.com/tiff/1.0/}ImageDescription": WordKind.CAPTION,
    "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}PersonInImage": WordKind.FACES,
}
_FACE_NAMES = frozenset(
    (
        "{http://www.metadataworkinggroup.com/schemas/regions/}Name",
        "{http://ns.microsoft.com/photo/1.2/t/Region#}PersonDisplayName",
        "{http://ns.acdsee.com/regions/}Name",
    )
)
"""Regions are nested deeply in lists of structures, so their names are searched at any depth."""
_COLOURS = {f"{{{_DIGIKAM}}}ColorLabel": "colour", f"{{{_DIGIKAM}}}PickLabel": "pick"}
_EDIT_SPACES = (f"{{{_CRS}}}", "{http://ns.apple.com/adjustment-settings/1.0/}")
_EDITS = frozenset(f"{{{_DARKTABLE}}}{name}" for name in ("history", "masks_history"))
_BOOKKEEPING = frozenset(
    f"{{{_CRS}}}{name}"
    for name in (
        *("Version", "ProcessVersion", "HasSettings", "HasCrop", "AlreadyApplied", "RawFileName"),
        *("CompatibleVersion", "CameraProfileDigest"),
    )
)
"""Camera raw settings that say nothing about how the picture was edited."""


class NotXmp(ValueError):
    """The XMP document cannot be read."""


def words_in_xmp(xmp: bytes) -> Words:
    """What the document says.

    Raises:
        NotXmp: it is not well-formed XML, or it has a document type, which can expand a short text without end.
    """
    root = _parse(xmp)
    properties = list(_properties(root))
    return Words.of((*_plain_words(properties), *_face_names(root), *_edits(properties)))


def words_in_packet(xmp: bytes) -> Words:
    """Like `words_in_xmp`, but a document that cannot be read is itself a statement, which another file may share."""
    try:
        return words_in_xmp(xmp)
    except NotXmp:
        return unreadable(xmp)


def unreadable(block: bytes) -> Words:
    """The statement of a block that cannot be interpreted: only an identical block says the same."""
    return Words.of([(WordKind.UNREADABLE, blake3(block).hexdigest())])


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, *_: str | None) -> None:
        raise NotXmp("documents with a document type are not read")


def _parse(xmp: bytes) -> ET.Element:
    parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - refuses a document type, and with it all entities
    try:
        parser.feed(xmp.strip(b"\0 \r\n\t"))
        root: ET.Element = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise NotXmp(f"not well-formed: {error}") from error
    return root


def _properties(root: ET.Element) -> Iterator[tuple[Name, ET.Element | str]]:
    """The properties of the picture: attributes and elements of the descriptions directly inside the RDF element."""
    for rdf in root.iter(f"{{{RDF}}}RDF"):
        for description in rdf.findall(f"{{{RDF}}}Description"):
            yield from description.attrib.items()
            yield from ((element.tag, element) for element in description)


def _plain_words(properties: Iterable[tuple[Name, ET.Element | str]]) -> Iterator[tuple[WordKind, str]]:
    for name, value in properties:
        for text in _texts(value):
            if name in _COLOURS and text.strip() not in ("", "0"):
                yield WordKind.LABEL, f"{_COLOURS[name]} {text.strip()}"
            kind = _WORDS.get(name)
            if kind is not None and not (kind is WordKind.CAPTION and is_by_camera(text)):
                yield kind, text


def _texts(value: ET.Element | str) -> list[str]:
    """The texts of a property, which is a single text or a list of texts."""
    if isinstance(value, str):
        return [value]
    items = list(value.iter(f"{{{RDF}}}li"))
    return ["".join(item.itertext()) for item in items or [value]]


def _face_names(root: ET.Element) -> Iterator[tuple[WordKind, str]]:
    for element in root.iter():
        yield from ((WordKind.FACES, text) for name, text in element.attrib.items() if name in _FACE_NAMES)
        if element.tag in _FACE_NAMES:
            yield WordKind.FACES, "".join(element.itertext())


def _edits(properties: Iterable[tuple[Name, ET.Element | str]]) -> Iterator[tuple[WordKind, str]]:
    """The develop settings, unless they were already applied when the file was exported."""
    found = [(name, value) for name, value in properties if name in _EDITS or name.startswith(_EDIT_SPACES)]
    flags = {name: value.strip().lower() for name, value in found if isinstance(value, str)}
    flags |= {name: (value.text or "").strip().lower() for name, value in found if not isinstance(value, str)}
    if flags.get(f"{{{_CRS}}}AlreadyApplied") == "true" or flags.get(f"{{{_CRS}}}HasSettings") == "false":
        return
    for name, value in found:
        if name in _BOOKKEEPING:
            continue
        text = value if isinstance(value, str) else _canonical(value)
        if text:
            yield WordKind.EDITS, f"{name} {text}"


def _canonical(element: ET.Element) -> str:
    """The text of a simple property or the digest of a structure; empty for a list without entries."""
    if not len(element):
        return (element.text or "").strip()
    if not any(len(holder) or (holder.text or "").strip() for holder in element):
        return ""
    form = ET.canonicalize(ET.tostring(element), strip_text=True, rewrite_prefixes=True)
    return blake3(form.encode("utf-8", "surrogatepass")).hexdigest()
