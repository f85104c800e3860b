"""What a person wrote is compared and carried over word for word; what cannot be read keeps its picture."""

from __future__ import annotations

import pytest

from dedupctl.disk.refusal import Refused
from dedupctl.policy.sidecars import lacking, merged, said_in

HEAD = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" """
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"


def xmp(attributes: str = "", elements: str = "") -> bytes:
    return f"{HEAD}{attributes}>{elements}{TAIL}".encode()


def tags(*words: str) -> str:
    return f"<dc:subject><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></dc:subject>"


def caption(text: str) -> str:
    return f"<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></dc:description>"


@pytest.mark.parametrize(
    ("removed", "kept", "missing"),
    [
        (xmp('xmp:Rating="4"'), xmp(), ["a rating"]),
        (xmp('xmp:Rating="0"'), xmp(), []),
        (xmp('xmp:Rating="4"'), xmp(elements="<xmp:Rating>4</xmp:Rating>"), []),
        (xmp('xmp:Rating="4"'), xmp('xmp:Rating="5"'), ["a rating"]),
        (xmp(elements=tags("sea", "Anna")), xmp(elements=tags("Anna", "sea", "sun")), []),
        (xmp(elements=tags("sea", "Anna")), xmp(elements=tags("sea")), ["tags"]),
        (xmp('xmp:Label="Red"', caption("by the sea")), xmp(), ["a label", "a caption"]),
        (xmp('crs:Exposure="1"'), xmp(), []),
    ],
)
def test_what_only_the_removed_one_says_is_found(removed: bytes, kept: bytes, missing: list[str]) -> None:
    assert lacking(said_in(removed), [said_in(kept)]) == missing


def test_several_kept_sidecars_may_say_it_between_them() -> None:
    removed = said_in(xmp('xmp:Rating="4"', tags("sea")))
    assert lacking(removed, [said_in(xmp('xmp:Rating="4"')), said_in(xmp(elements=tags("sea")))]) == []
    assert lacking(removed, []) == ["a rating", "tags"]


@pytest.mark.parametrize(
    ("kept", "removed"),
    [
        (xmp(), xmp('xmp:Rating="4" xmp:Label="Red"', tags("sea", "Anna &amp; Ben") + caption("&lt;by&gt; the sea"))),
        (xmp('xmp:Label="Blue"', tags("sun")), xmp('xmp:Rating="3"', tags("sea", "sun"))),
        (xmp('crs:Exposure="1"', caption("mine")), xmp(elements=tags("日本"))),
    ],
)
def test_a_merged_sidecar_says_all_that_both_said(kept: bytes, removed: bytes) -> None:
    both = said_in(merged(kept, removed))
    assert lacking(said_in(kept), [both]) == []
    assert lacking(said_in(removed), [both]) == []
    assert (b"Exposure" in kept) == (b"Exposure" in merged(kept, removed))


@pytest.mark.parametrize(
    ("kept", "removed"), [('xmp:Rating="1"', 'xmp:Rating="4"'), ('xmp:Label="a"', 'xmp:Label="b"')]
)
def test_a_contradiction_is_left_to_a_person(kept: str, removed: str) -> None:
    with pytest.raises(Refused, match="and they differ"):
        merged(xmp(kept), xmp(removed))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no xml",
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"\xff\xfe\x00",
        xmp().replace(b"xpacket begin", b"xml version='1.0' encoding='no-such'?><?xpacket begin"),
    ],
)
def test_what_is_no_xmp_is_refused_and_never_guessed_at(broken: bytes) -> None:
    with pytest.raises(Refused):
        said_in(broken)


def test_a_sidecar_that_describes_nothing_takes_no_words() -> None:
    with pytest.raises(Refused, match="describes nothing"):
        merged(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", xmp('xmp:Rating="4"'))
