"""What a person wrote is compared and carried over word for word; what cannot be read keeps its picture."""

from __future__ import annotations

import pytest

from dedupctl.disk.refusal import Refused
from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.xmp import NotXmp, words_in_xmp
from dedupctl.policy.xmp_merge import merged, text_of_words

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
        (xmp('xmp:Rating="4"'), xmp(), "a rating"),
        (xmp('xmp:Rating="0"'), xmp(), ""),
        (xmp('xmp:Rating="4"'), xmp(elements="<xmp:Rating>4</xmp:Rating>"), ""),
        (xmp('xmp:Rating="4"'), xmp('xmp:Rating="5"'), "a rating"),
        (xmp(elements=tags("sea", "Anna")), xmp(elements=tags("Anna", "sea", "sun")), ""),
        (xmp(elements=tags("sea", "Anna")), xmp(elements=tags("sea")), "tags"),
        (xmp('xmp:Label="Red"', caption("by the sea")), xmp(), "a label and a caption"),
        (xmp('crs:Exposure="1"'), xmp(), "edits"),
        (xmp('crs:Exposure="1"'), xmp('crs:Exposure="1"'), ""),
    ],
)
def test_what_only_the_removed_one_says_is_found(removed: bytes, kept: bytes, missing: str) -> None:
    assert words_in_xmp(removed).lacking_in(words_in_xmp(kept)).in_words == missing


@pytest.mark.parametrize(
    ("kept", "removed"),
    [
        (xmp(), xmp('xmp:Rating="4" xmp:Label="Red"', tags("sea", "Anna &amp; Ben") + caption("&lt;by&gt; the sea"))),
        (xmp('xmp:Label="Blue"', tags("sun")), xmp('xmp:Rating="3"', tags("sea", "sun"))),
        (xmp('crs:Exposure="1"', caption("mine")), xmp(elements=tags("日本"))),
    ],
)
def test_a_merged_sidecar_says_all_that_both_said(kept: bytes, removed: bytes) -> None:
    both = words_in_xmp(merged(kept, removed))
    assert not words_in_xmp(kept).lacking_in(both)
    assert not words_in_xmp(removed).lacking_in(both)
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
        merged(xmp(), broken)
    with pytest.raises(Refused):
        merged(broken, xmp())
    with pytest.raises(NotXmp):
        words_in_xmp(broken)


def test_a_sidecar_that_describes_nothing_takes_no_words() -> None:
    with pytest.raises(Refused, match="describes nothing"):
        merged(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", xmp('xmp:Rating="4"'))


@pytest.mark.parametrize("removed", ['crs:Exposure="1"', 'crs:Exposure="1" xmp:Rating="4"'])
def test_a_recipe_is_left_to_a_person(removed: str) -> None:
    with pytest.raises(Refused, match="edits cannot be carried over"):
        merged(xmp('xmp:Label="Red"'), xmp(removed))


SAID = Words.of(
    [
        (WordKind.RATING, "4"),
        (WordKind.LABEL, "Red & <b>"),
        (WordKind.TITLE, "By the sea"),
        (WordKind.CAPTION, '日本 & "more"'),
        *((WordKind.TAGS, tag) for tag in ("sea", "Places|Italy|Rome", "a & b")),
    ]
)


def test_words_of_a_picture_become_a_sidecar_that_says_them_and_no_more() -> None:
    assert words_in_xmp(text_of_words(SAID, faces=False)) == SAID
    kept = xmp('xmp:Label="Red &amp; &lt;b&gt;"', tags("sun"))
    both = words_in_xmp(merged(kept, text_of_words(SAID, faces=False)))
    assert not SAID.lacking_in(both)
    assert not words_in_xmp(kept).lacking_in(both)


@pytest.mark.parametrize("kind", [WordKind.FACES, WordKind.EDITS, WordKind.UNREADABLE])
def test_what_holds_of_one_picture_only_is_left_to_a_person(kind: WordKind) -> None:
    with pytest.raises(Refused, match="only a person can do that"):
        text_of_words(Words.of([(kind, "Anna")]), faces=False)


def test_names_without_regions_are_carried_over() -> None:
    people = Words.of([(WordKind.FACES, "Anna"), (WordKind.FACES, "Ben")])
    assert words_in_xmp(merged(xmp(), text_of_words(people, faces=True))) == people


def test_one_of_two_captions_is_not_chosen_unless_it_is_the_other_cut_off() -> None:
    cut = Words.of([(WordKind.CAPTION, "a" * 70), (WordKind.CAPTION, "a" * 64)])
    assert words_in_xmp(text_of_words(cut, faces=False)).of_kind(WordKind.CAPTION) == {"a" * 70}
    with pytest.raises(Refused, match="the two differ"):
        text_of_words(Words.of([(WordKind.CAPTION, "a"), (WordKind.CAPTION, "b")]), faces=False)
