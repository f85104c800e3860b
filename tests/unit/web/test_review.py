"""What a person does on the page happens to real files, and can be taken back."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture, quarantined, tree
from shelf import crop_of_a
from syncing import FULL, recorded_changes
from visitor import Answer, Visitor, wait_until

from dedupctl.domain import Evidence, Pair, PairKind
from dedupctl.removal.recover import acting

CROPPED = (picture(1), picture(1, 1, "crop"))


def mirrored_roles(evidence: Evidence) -> Evidence:
    """The same evidence where the crop has the smaller content id."""
    return replace(
        evidence, overlap_a=evidence.overlap_b, overlap_b=evidence.overlap_a, plain_a=evidence.plain_b, plain_b=None
    )


@pytest.fixture
def copies(living: LivingLibrary, root: Path) -> Path:
    """Two exact copies and a third picture, near to them."""
    (root / "a.jpg").write_bytes(picture(1))
    (root / "a copy.jpg").write_bytes(picture(1))
    (root / "b.jpg").write_bytes(picture(1, 1))
    living.scan()
    return root


def two_shots(living: LivingLibrary, root: Path) -> None:
    """Two pictures that are only similar."""
    for variant in (0, 2):
        (root / f"{variant}.jpg").write_bytes(picture(1, variant))
    living.scan()
    with living.catalog.write() as tx:
        tx.pairs.put([Pair(*sorted(living.bytes_of), PairKind.SIMILAR, 0.8, Evidence("vector", cosine=0.8))])


def only_cluster(reviewer: Visitor, group: str = "clusters") -> str:
    """The address of the one cluster in the queue."""
    found: list[str] = []

    def is_there() -> bool:
        page = reviewer.get("/?kind=exact&kind=pixel&kind=near&kind=similar").text
        found[:] = re.findall(rf'href="(/{group}/\d+)', page)
        return bool(found)

    wait_until(is_there)
    (address,) = found
    return address


def fields(page: Answer, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', page.text)


def apply(reviewer: Visitor, address: str, **changed: object) -> Answer:
    page = reviewer.get(address)
    form = {"keeper": fields(page, "keeper"), "remove": fields(page, "remove")}
    return reviewer.post(f"{address}/apply", form | changed)


def test_what_is_proven_is_marked_and_applying_removes_it(copies: Path, reviewer: Visitor) -> None:
    answer = apply(reviewer, only_cluster(reviewer))
    assert reviewer.note(answer).startswith("Removed 2 files")
    assert list(tree(copies)) == ["a.jpg"]
    assert len(quarantined(copies)) == 2
    assert "Nothing to review" in reviewer.get("/").text


def test_undo_puts_every_file_back(copies: Path, reviewer: Visitor) -> None:
    before = tree(copies)
    address = only_cluster(reviewer)
    apply(reviewer, address)
    answer = reviewer.post("/undo")
    assert answer.location.startswith(address)
    assert reviewer.note(answer) == "Restored 2 files."
    assert tree(copies) == before
    assert only_cluster(reviewer) == address
    assert reviewer.note(reviewer.post("/undo")) == "There is nothing to undo."


def test_only_what_is_marked_goes(copies: Path, reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    apply(reviewer, address, remove=fields(reviewer.get(address), "remove")[:1])
    assert len(tree(copies)) == 2


def test_without_a_mark_nothing_happens(copies: Path, reviewer: Visitor) -> None:
    before = tree(copies)
    apply(reviewer, only_cluster(reviewer), remove=[])
    assert tree(copies) == before


def test_another_keeper_may_be_chosen(copies: Path, reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    (chosen,) = (link for link in re.findall(r'href="([^"]*keeper=\d+)"', reviewer.get(address).text)[-1:])
    page = reviewer.get(chosen)
    form = {"keeper": fields(page, "keeper"), "remove": fields(page, "remove")}
    reviewer.post(f"{address}/apply", form)
    assert list(tree(copies)) == ["b.jpg"]


def test_a_choice_of_what_has_changed_since_is_refused(living: LivingLibrary, copies: Path, reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    page = reviewer.get(address)
    (copies / "b.jpg").write_bytes(picture(1, 0, "other"))
    living.scan()
    before = tree(copies)
    form = {"keeper": fields(page, "keeper"), "remove": fields(page, "remove")}
    answer = reviewer.post(f"{address}/apply", form)
    assert answer.status == 400
    assert "has changed since you looked" in answer.text
    assert tree(copies) == before


def test_a_file_changed_behind_the_catalog_stays_and_the_page_says_so(copies: Path, reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    (copies / "b.jpg").write_bytes(b"something else entirely")
    note = reviewer.note(apply(reviewer, address))
    assert note.startswith("Removed 1 file ")
    assert "b.jpg stays:" in note
    assert (copies / "b.jpg").read_bytes() == b"something else entirely"


def test_the_keeper_cannot_be_removed_nor_a_file_of_another_cluster(
    living: LivingLibrary, copies: Path, reviewer: Visitor
) -> None:
    for name in ("c.jpg", "c copy.jpg"):
        (copies / name).write_bytes(picture(2))
    living.scan()
    before = tree(copies)
    with living.catalog.read() as tx:
        choices = {os.fsdecode(one.file.path): f"{one.file.id}-{one.file.content_id}" for one in tx.files.present()}
        (content_id,) = {one.file.content_id for one in tx.files.present() if one.file.path == b"a.jpg"}
    for wrong in ("a.jpg", "c.jpg"):
        answer = reviewer.post(f"/clusters/{content_id}/apply", {"keeper": choices["a.jpg"], "remove": choices[wrong]})
        assert answer.status == 400
    assert reviewer.post(f"/clusters/{content_id}/apply", {"keeper": choices["a.jpg"], "remove": "1;2"}).status == 400
    assert tree(copies) == before


@pytest.mark.usefixtures("copies")
def test_a_verdict_takes_a_picture_out_of_its_cluster_and_undo_brings_it_back(reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    page = reviewer.get(address)
    (other,) = fields(page, "different")
    answer = reviewer.post(f"{address}/verdict", {"keeper": fields(page, "keeper"), "different": other})
    assert "are different pictures, you said" in reviewer.note(answer)
    assert "b.jpg" not in reviewer.get(address).text
    assert reviewer.note(reviewer.post("/undo")) == "Your verdict was withdrawn."
    assert "b.jpg" in reviewer.get(address).text


@pytest.mark.usefixtures("copies")
def test_a_verdict_and_its_end_are_on_the_disk_when_the_page_says_so(reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    page = reviewer.get(address)
    said = {"keeper": fields(page, "keeper"), "different": fields(page, "different")}
    with recorded_changes("verdicts") as changes:
        reviewer.post(f"{address}/verdict", said)
        reviewer.post("/undo")
    assert changes == [("verdicts", FULL)] * 2


def test_nothing_is_marked_among_similar_pictures_and_nothing_can_be_removed(
    living: LivingLibrary, root: Path, reviewer: Visitor
) -> None:
    two_shots(living, root)
    before = tree(root)
    address = only_cluster(reviewer, "similar")
    page = reviewer.get(address)
    assert fields(page, "remove") == []
    assert "Nothing here can be removed" in page.text
    with living.catalog.read() as tx:
        keeper, other = (f"{one.file.id}-{one.file.content_id}" for one in tx.files.present())
    number = address.rpartition("/")[2]
    assert reviewer.post(f"/clusters/{number}/apply", {"keeper": keeper, "remove": other}).status == 400
    assert reviewer.post(f"{address}/apply", {"keeper": keeper, "remove": other}).status == 404
    assert tree(root) == before


def test_a_queue_of_nothing_but_other_shots_promises_no_space(
    living: LivingLibrary, root: Path, reviewer: Visitor
) -> None:
    two_shots(living, root)
    only_cluster(reviewer, "similar")
    page = reviewer.get("/?kind=similar").text
    assert "can be freed" not in page
    assert "1 cluster to look at; nothing here would free space." in page


def test_saying_same_makes_similar_pictures_duplicates(living: LivingLibrary, root: Path, reviewer: Visitor) -> None:
    two_shots(living, root)
    address = only_cluster(reviewer, "similar")
    page = reviewer.get(address)
    reviewer.post(f"{address}/verdict", {"keeper": fields(page, "keeper"), "same": fields(page, "same")})
    assert only_cluster(reviewer) == address.replace("similar", "clusters")


def test_the_history_restores_one_file_with_its_companions(copies: Path, reviewer: Visitor) -> None:
    (copies / "a copy.jpg.xmp").write_bytes(b"<x:xmpmeta/>")
    (copies / "a.jpg.xmp").write_bytes(b"<x:xmpmeta/>")
    before = tree(copies)
    apply(reviewer, only_cluster(reviewer))
    assert "a copy.jpg.xmp" not in tree(copies)
    page = reviewer.get("/history").text
    (entry,) = re.findall(r'name="entry" value="(\d+)" aria-label="Restore a copy.jpg"', page)
    reviewer.post("/restore", {"entry": entry})
    assert tree(copies).keys() == before.keys() - {"b.jpg"}
    (plan,) = set(re.findall(r'name="plan" value="(\d+)"', reviewer.get("/history").text))
    assert reviewer.note(reviewer.post("/restore", {"plan": plan})) == "Restored 1 file."
    assert tree(copies) == before


def test_undo_of_what_the_history_restored_says_so(copies: Path, reviewer: Visitor) -> None:
    before = tree(copies)
    apply(reviewer, only_cluster(reviewer))
    (plan,) = set(re.findall(r'name="plan" value="(\d+)"', reviewer.get("/history").text))
    reviewer.post("/restore", {"plan": plan})
    assert reviewer.note(reviewer.post("/undo")) == "What this step removed is back, or purged, already."
    assert tree(copies) == before


def test_while_another_process_acts_the_page_says_so_and_does_nothing(
    living: LivingLibrary, copies: Path, reviewer: Visitor
) -> None:
    before = tree(copies)
    address = only_cluster(reviewer)
    with acting(living.home, living.catalog):
        answer = apply(reviewer, address)
    assert answer.status == 409
    assert "another dedupctl is acting" in answer.text
    assert tree(copies) == before


def test_a_protected_file_stays(living: LivingLibrary, copies: Path, reviewer: Visitor) -> None:
    """Also when it was protected only after the page was loaded."""
    address = only_cluster(reviewer)
    page = reviewer.get(address)
    living.protect(copies / "a copy.jpg")
    form = {"keeper": fields(page, "keeper"), "remove": fields(page, "remove")}
    assert "a copy.jpg stays: it is protected." in reviewer.note(reviewer.post(f"{address}/apply", form))
    assert sorted(tree(copies)) == ["a copy.jpg", "a.jpg"]


def test_the_keeper_of_the_policy_is_shown_with_its_reason(
    living: LivingLibrary, copies: Path, reviewer: Visitor
) -> None:
    reference = living.add_root("reference", reference=True)
    (reference / "a copy of it.jpg").write_bytes(picture(1))
    living.scan()
    page = reviewer.get(only_cluster(reviewer))
    assert "Kept because it lies in a reference root" in page.text
    assert len(fields(page, "remove")) == 3
    assert "stays:" not in reviewer.note(apply(reviewer, only_cluster(reviewer)))
    assert (tree(copies), sorted(tree(reference))) == ({}, ["a copy of it.jpg"])


def test_what_may_not_go_is_not_for_removal_and_says_why(
    living: LivingLibrary, copies: Path, reviewer: Visitor
) -> None:
    """A crop in a reference root: the original is kept, and the crop is not offered again and again."""
    reference = living.add_root("reference", reference=True)
    (reference / "crop.jpg").write_bytes(picture(1, 1, "crop"))
    (copies / "b.jpg").unlink()
    living.scan()
    original, crop = (next(i for i, data in living.bytes_of.items() if data == one) for one in CROPPED)
    first, second = sorted((original, crop))
    evidence = crop_of_a(0.5) if first == original else mirrored_roles(crop_of_a(0.5))
    with living.catalog.write() as tx:
        tx.pairs.put([Pair(first, second, PairKind.NEAR, 0.9, evidence)])
    page = reviewer.get(only_cluster(reviewer))
    assert "Stays: it lies in a reference root." in page.text
    assert len(fields(page, "remove")) == 1


@pytest.mark.usefixtures("copies")
def test_a_resolved_cluster_says_so(reviewer: Visitor) -> None:
    address = only_cluster(reviewer)
    apply(reviewer, address)
    assert reviewer.get(address).status == 404
    assert "This cluster is resolved" in reviewer.get(address).text
