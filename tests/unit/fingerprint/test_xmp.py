"""What programs write into XMP for a person is read, and nothing that could expand without end."""

from __future__ import annotations

import pytest

from dedupctl.domain import WordKind
from dedupctl.fingerprint.xmp import NotXmp, words_in_xmp

HEAD = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:darktable="http://darktable.sf.net/" xmlns:digiKam="http://www.digikam.org/ns/1.0/"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:MP="http://ns.microsoft.com/photo/1.2/"
 xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" """
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"
MWG = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li>
<rdf:Description mwg-rs:Name="Anna" mwg-rs:Type="Face"/></rdf:li><rdf:li rdf:parseType="Resource">
<mwg-rs:Name>Ben</mwg-rs:Name></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"""
MICROSOFT = """<MP:RegionInfo><rdf:Description><MPRI:Regions><rdf:Bag><rdf:li MPReg:PersonDisplayName="Cleo"/>
</rdf:Bag></MPRI:Regions></rdf:Description></MP:RegionInfo>"""
HISTORY = """<darktable:history><rdf:Seq><rdf:li darktable:operation="exposure" darktable:params="{}"/></rdf:Seq>
</darktable:history>"""


def said(attributes: str = "", elements: str = "") -> dict[WordKind, set[str]]:
    found = words_in_xmp(f"{HEAD}{attributes}>{elements}{TAIL}".encode())
    return {kind: set(values) for kind, values in found.said.items()}


@pytest.mark.parametrize(
    ("attributes", "elements", "found"),
    [
        ('xmp:Rating="5" xmp:Label="Red"', "", {WordKind.RATING: {"5"}, WordKind.LABEL: {"Red"}}),
        ('xmp:Rating="0"', "<dc:title/>", {}),
        ('digiKam:ColorLabel="3" digiKam:PickLabel="0"', "", {WordKind.LABEL: {"colour 3"}}),
        ("", "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>", {WordKind.TAGS: {"sea"}}),
        ("", "<dc:description><rdf:Alt><rdf:li>SONY DSC</rdf:li></rdf:Alt></dc:description>", {}),
        ("", MWG, {WordKind.FACES: {"Anna", "Ben"}}),
        ("", MICROSOFT, {WordKind.FACES: {"Cleo"}}),
        ("", "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description xmp:Rating='5'/></rdf:li></rdf:Bag></xmpMM:Pantry>", {}),
    ],
)
def test_words_are_found_in_every_form(attributes: str, elements: str, found: dict[WordKind, set[str]]) -> None:
    assert said(attributes, elements) == found


@pytest.mark.parametrize(
    ("attributes", "elements", "has_edits"),
    [
        ('crs:Exposure2012="+0.50"', "", True),
        ('crs:Exposure2012="+0.50" crs:AlreadyApplied="True"', "", False),
        ('crs:HasSettings="False" crs:Exposure2012="0"', "", False),
        ('crs:Version="15.0" crs:RawFileName="a.nef"', "", False),
        ("", HISTORY.format("01"), True),
        ("", "<darktable:history><rdf:Seq/></darktable:history>", False),
    ],
)
def test_a_recipe_counts_unless_it_was_carried_out(attributes: str, elements: str, has_edits: bool) -> None:
    assert (WordKind.EDITS in said(attributes, elements)) == has_edits


def test_recipes_that_differ_are_not_the_same() -> None:
    assert said("", HISTORY.format("01")) == said("", HISTORY.format("01"))
    assert said("", HISTORY.format("01")) != said("", HISTORY.format("02"))


BOMB = """<?xml version="1.0" encoding="{0}"?><!DOCTYPE a [<!ENTITY b "c">]>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_encoding(encoding: str) -> None:
    with pytest.raises(NotXmp, match="document type"):
        words_in_xmp((BOMB.format(encoding) + HEAD + ">&b;" + TAIL).encode(encoding))


@pytest.mark.parametrize("broken", [b"", b"no xml", b"<a><b></a>", b"\xff\xfe\x00"])
def test_what_is_no_xml_is_refused(broken: bytes) -> None:
    with pytest.raises(NotXmp):
        words_in_xmp(broken)
