"""What a person wrote into an XMP sidecar: does the kept copy's sidecar say it too, and can it be carried over?

Looked at are ratings, labels, tags, titles and captions (XMP specification part 1; the tag trees of Lightroom and
digiKam). Other properties, a develop recipe for one, stay in the quarantined sidecar.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from dedupctl.disk.refusal import Refused

Property: TypeAlias = tuple[str, str]
"""Namespace and local name."""
Said: TypeAlias = Mapping[Property, frozenset[str]]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_PREFIXES = {_RDF: "rdf", _XMP: "xmp", _DC: "dc", _LIGHTROOM: "lr", _DIGIKAM: "digiKam"}

_RATING: Property = (_XMP, "Rating")
_LISTS: Mapping[Property, str] = {
    (_DC, "subject"): "tags",
    (_LIGHTROOM, "hierarchicalSubject"): "tags",
    (_DIGIKAM, "TagsList"): "tags",
}
_SINGLES: Mapping[Property, str] = {
    _RATING: "a rating",
    (_XMP, "Label"): "a label",
    (_DC, "title"): "a title",
    (_DC, "description"): "a caption",
}
_IN_WORDS: Mapping[Property, str] = {**_SINGLES, **_LISTS}


def said_in(xmp: bytes) -> Said:
    """The values of each property that a person may have given.

    Raises:
        Refused: not an XMP document that can be read.
    """
    document = _parse(xmp)
    said = {prop: frozenset(_values(document, prop)) for prop in (*_SINGLES, *_LISTS)}
    # A rating of 0 is how programs write "not rated".
    said[_RATING] -= {"0", "0.0"}
    return said


def lacking(removed: Said, kept: Collection[Said]) -> list[str]:
    """What only the removed copy's sidecar says, in words; empty if the kept ones say it all."""
    missing = _missing(removed, kept)
    return list(dict.fromkeys(_IN_WORDS[prop] for prop in missing))


def merged(kept: bytes, removed: bytes) -> bytes:
    """The kept sidecar with all that only the removed one says.

    Raises:
        Refused: unreadable, or both say something else of what has one value: a person must choose.
    """
    document, other = _parse(kept), _parse(removed)
    said = said_in(kept)
    descriptions = document.getElementsByTagNameNS(_RDF, "Description")
    if not descriptions:
        raise Refused("the kept sidecar describes nothing")
    for prop, values in _missing(said_in(removed), [said]).items():
        if prop in _LISTS:
            _append(document, descriptions[0], prop, sorted(values))
        elif said[prop]:
            raise Refused(f"both sidecars have {_SINGLES[prop]}, and they differ")
        else:
            _copy_single(document, descriptions[0], other, prop)
    result = document.toxml(encoding="utf-8")
    # minidom checks nothing of what it writes: what is laid in the place of a person's words is read back first.
    if _missing(said_in(removed), [said_in(result)]) or _missing(said, [said_in(result)]):
        raise Refused("the sidecars could not be merged without loss")
    return result


def _missing(removed: Said, kept: Collection[Said]) -> dict[Property, frozenset[str]]:
    known = {prop: frozenset[str]().union(*(said[prop] for said in kept)) for prop in removed}
    return {prop: values - known[prop] for prop, values in removed.items() if values - known[prop]}


def _parse(xmp: bytes) -> minidom.Document:
    if b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        raise Refused("a sidecar with a document type is not read")
    try:
        return minidom.parseString(xmp.strip(b"\0 \r\n\t"))  # noqa: S318 - see above
    except (ExpatError, ValueError, LookupError) as error:
        raise Refused(f"its sidecar is not readable XMP: {error}") from error


def _values(document: minidom.Document, prop: Property) -> Iterator[str]:
    """A property is an attribute of a description, or an element with text or with a list of texts."""
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
    """minidom writes prefixes as they are and declares none."""
    prefix = element.prefix if element.namespaceURI == namespace and element.prefix else _PREFIXES[namespace]
    element.setAttribute(f"xmlns:{prefix}", namespace)
