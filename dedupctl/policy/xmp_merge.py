"""Merge metadata into an XMP sidecar without losing anything that it says already, or not at all.

Ratings, labels, tags, titles and captions are carried over (XMP specification part 1; the tag trees of Lightroom and
digiKam), and names of people without a region. Face regions and develop settings fit one picture's frame and pixels
only, so they are left to a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias
from xml.dom import minidom
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from dedupctl.disk.refusal import Refused
from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.xmp import NotXmp, words_in_xmp

Property: TypeAlias = tuple[str, str]
"""Namespace and local name."""
Said: TypeAlias = Mapping[Property, frozenset[str]]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PREFIXES = {_RDF: "rdf", _XMP: "xmp", _DC: "dc", _LIGHTROOM: "lr", _DIGIKAM: "digiKam", _IPTC: "Iptc4xmpExt"}

_RATING: Property = (_XMP, "Rating")
_LISTS: Collection[Property] = (
    (_DC, "subject"),
    (_LIGHTROOM, "hierarchicalSubject"),
    (_DIGIKAM, "TagsList"),
    (_IPTC, "PersonInImage"),
)
_SINGLES: Mapping[Property, str] = {
    _RATING: "a rating",
    (_XMP, "Label"): "a label",
    (_DC, "title"): "a title",
    (_DC, "description"): "a caption",
}
_NOT_CARRIED = (WordKind.EDITS, WordKind.UNREADABLE)
_DOCUMENT = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" {spaces}>{elements}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def text_of_words(words: Words, *, faces: bool) -> bytes:
    """An XMP document that says just these words.

    Args:
        faces: whether names of people may be written; false if they have regions, which would be lost.

    Raises:
        Refused: some words fit one picture only, or a property that has one value has two.
    """
    left_out = [kind.value for kind in (*_NOT_CARRIED, *(() if faces else (WordKind.FACES,))) if words.of_kind(kind)]
    if left_out:
        raise Refused(f"{' and '.join(left_out)} cannot be carried over, only a person can do that")
    tags = words.of_kind(WordKind.TAGS)
    elements = [
        *(f"<xmp:Rating>{value}</xmp:Rating>" for value in _only_one(words, WordKind.RATING)),
        *(f"<xmp:Label>{value}</xmp:Label>" for value in _only_one(words, WordKind.LABEL)),
        _list_of("dc:title", "Alt", _only_one(words, WordKind.TITLE)),
        _list_of("dc:description", "Alt", _only_one(words, WordKind.CAPTION)),
        _list_of("dc:subject", "Bag", sorted(escape(tag) for tag in tags if "|" not in tag)),
        _list_of("lr:hierarchicalSubject", "Bag", sorted(escape(tag) for tag in tags if "|" in tag)),
        _list_of("Iptc4xmpExt:PersonInImage", "Bag", sorted(map(escape, words.of_kind(WordKind.FACES)))),
    ]
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for space, prefix in _PREFIXES.items() if space != _RDF)
    return _DOCUMENT.format(rdf=_RDF, spaces=spaces, elements="".join(elements)).encode("utf-8", "replace")


def written_anew(xmp: bytes, words: Words) -> bytes:
    """The text of a new sidecar that says these words, read back before it is trusted with them.

    Raises:
        Refused: it would not say all of them.
    """
    _parse(xmp)
    left_out = words.lacking_in(words_in_xmp(xmp))
    if left_out:
        raise Refused(f"{left_out.in_words} cannot be carried over, only a person can do that")
    return xmp


def _only_one(words: Words, kind: WordKind) -> list[str]:
    """The value, escaped. Some programs store a truncated form beside a text; then the longest counts."""
    values = sorted(words.of_kind(kind), key=len, reverse=True)
    if any(not values[0].startswith(value) for value in values):
        raise Refused(f"it holds {kind.value} twice, and the two differ")
    return [escape(value) for value in values[:1]]


def _list_of(name: str, holder: str, values: Collection[str]) -> str:
    mark = ' xml:lang="x-default"' if holder == "Alt" else ""
    items = "".join(f"<rdf:li{mark}>{value}</rdf:li>" for value in values)
    return f"<{name}><rdf:{holder}>{items}</rdf:{holder}></{name}>" if values else ""


def merged(kept: bytes, removed: bytes) -> bytes:
    """The kept sidecar with everything that only the removed one says.

    Raises:
        Refused: one is unreadable, or they differ in a property that has one value, so a person must choose.
    """
    document, other = _parse(kept), _parse(removed)
    said, wanted = _said_in(document), _said_in(other)
    descriptions = document.getElementsByTagNameNS(_RDF, "Description")
    if not descriptions:
        raise Refused("the kept sidecar describes nothing")
    for prop, values in _missing(wanted, said).items():
        if prop in _LISTS:
            _append(document, descriptions[0], prop, sorted(values))
        elif said[prop]:
            raise Refused(f"both sidecars have {_SINGLES[prop]}, and they differ")
        else:
            _copy_single(document, descriptions[0], other, prop)
    result = document.toxml(encoding="utf-8")
    # minidom does not check what it writes, and this replaces what a person wrote: read it back first.
    now = _said_in(_parse(result))
    if _missing(wanted, now) or _missing(said, now) or words_in_xmp(kept).lacking_in(words_in_xmp(result)):
        raise Refused("the sidecars could not be merged without loss")
    left_out = words_in_xmp(removed).lacking_in(words_in_xmp(result))
    if left_out:
        raise Refused(f"{left_out.in_words} cannot be carried over, only a person can do that")
    return result


def _said_in(document: minidom.Document) -> Said:
    """The values of each property that can be carried over."""
    said = {prop: frozenset(_values(document, prop)) for prop in (*_SINGLES, *_LISTS)}
    # A rating of 0 is how programs write "not rated".
    said[_RATING] -= {"0", "0.0"}
    return said


def _missing(removed: Said, kept: Said) -> dict[Property, frozenset[str]]:
    return {prop: values - kept[prop] for prop, values in removed.items() if values - kept[prop]}


def _parse(xmp: bytes) -> minidom.Document:
    try:
        words_in_xmp(xmp)  # refuses a document type, and with it all entities
        return minidom.parseString(xmp.strip(b"\0 \r\n\t"))  # noqa: S318 - see above
    except (NotXmp, ExpatError, ValueError, LookupError) as error:
        raise Refused(f"its sidecar is not readable XMP: {error}") from error


def _values(document: minidom.Document, prop: Property) -> Iterator[str]:
    """The values of a property: an attribute of a description, or an element with text or with a list of texts."""
    for description in document.getElementsByTagNameNS(_RDF, "Description"):
        if value := description.getAttributeNS(*prop).strip():
            yield value
    for element in document.getElementsByTagNameNS(*prop):
        items = element.getElementsByTagNameNS(_RDF, "li")
        yield from filter(None, (_text(item) for item in items or [element]))


def _text(element: minidom.Element) -> str:
    parts = (node.data for node in element.childNodes if isinstance(node, minidom.Text))
    return "".join(parts).strip()


def _append(document: minidom.Document, description: minidom.Element, prop: Property, values: Iterable[str]) -> None:
    existing = document.getElementsByTagNameNS(*prop)
    lists = [
        child
        for element in existing
        for child in element.childNodes
        if isinstance(child, minidom.Element) and child.localName in ("Bag", "Seq")
    ]
    if lists:
        holder = lists[0]
    else:
        element = _made(document, prop)
        description.appendChild(element)
        holder = _made(document, (_RDF, "Bag"))
        element.appendChild(holder)
    for value in values:
        item = _made(document, (_RDF, "li"))
        item.appendChild(document.createTextNode(value))
        holder.appendChild(item)


def _copy_single(
    document: minidom.Document, description: minidom.Element, other: minidom.Document, prop: Property
) -> None:
    elements = other.getElementsByTagNameNS(*prop)
    if elements:
        copy = document.importNode(elements[0], True)
        _declare(copy, prop[0])
        _declare(copy, _RDF)
    else:
        copy = _made(document, prop)
        copy.appendChild(document.createTextNode(next(_values(other, prop))))
    description.appendChild(copy)


def _made(document: minidom.Document, prop: Property) -> minidom.Element:
    namespace, name = prop
    element = document.createElementNS(namespace, f"{_PREFIXES[namespace]}:{name}")
    _declare(element, namespace)
    return element


def _declare(element: minidom.Element, namespace: str) -> None:
    """Declare the namespace of a prefix: minidom writes prefixes as they are and declares none."""
    prefix = element.prefix if element.namespaceURI == namespace and element.prefix else _PREFIXES[namespace]
    element.setAttribute(f"xmlns:{prefix}", namespace)
