from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf import Shelf, crop_of_a, names

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Cluster, Evidence, PairKind, PictureFacts, Verdict
from dedupctl.matching.clusters import Linkage, find_clusters
from dedupctl.matching.keeper import KeeperOrder, Places

CHAIN = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]


def clusters(shelf: Shelf, **options: Any) -> list[Cluster]:
    with shelf.catalog.read() as tx:
        return find_clusters(tx, **options)


def groups(shelf: Shelf, **options: Any) -> list[list[str]]:
    return [names(cluster) for cluster in clusters(shelf, **options)]


def put_chain(shelf: Shelf) -> None:
    """a - b - c - d - e, of which c is the best picture."""
    for name in "abcde":
        shelf.put(name, width=4000 if name == "c" else 2000, size=1000 - ord(name))
    for one, other in CHAIN:
        shelf.tie(one, other)


# --- who is in a cluster ---------------------------------------------------------------------------------------------


def test_pictures_without_a_copy_are_in_no_cluster(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.put("b")

    assert clusters(shelf) == []


def test_files_of_one_content_are_exact_duplicates(shelf: Shelf) -> None:
    content_id = shelf.put("a", "a.jpg", "deep/copy.jpg", size=100)

    (cluster,) = clusters(shelf)

    assert names(cluster) == ["a", "copy"]
    assert (cluster.id, cluster.kind, cluster.reclaimable_bytes) == (content_id, PairKind.EXACT, 100)
    assert [(member.kind, member.score, member.evidence, member.proven) for member in cluster.members] == [
        (PairKind.EXACT, 1.0, None, True)
    ] * 2


def test_a_member_carries_its_own_pair_with_the_keeper(shelf: Shelf) -> None:
    shelf.put("small", "small.jpg", "again.jpg", width=1000, size=30)
    shelf.put("big", size=100)
    shelf.put("lossless", width=4000, size=90)
    near = shelf.tie("small", "big", PairKind.NEAR, 0.8)
    shelf.tie("lossless", "big", PairKind.PIXEL, 1.0)
    shelf.tie("small", "lossless", PairKind.NEAR, 0.3)

    (cluster,) = clusters(shelf)

    assert names(cluster) == ["big", "lossless", "again", "small"]
    assert cluster.keeper.evidence is None
    assert [(member.kind, member.score) for member in cluster.members[1:]] == [
        (PairKind.PIXEL, 1.0),
        (PairKind.NEAR, 0.8),
        (PairKind.NEAR, 0.8),
    ]
    assert cluster.members[2].evidence == near.evidence
    assert (cluster.kind, cluster.reclaimable_bytes, cluster.weakest) == (PairKind.NEAR, 150, None)


def test_files_that_are_gone_are_no_members(shelf: Shelf) -> None:
    shelf.put("a", "a.jpg", "copy.jpg", "third.jpg")
    shelf.remove("copy.jpg")
    assert groups(shelf) == [["a", "third"]]

    shelf.remove("third.jpg")
    assert groups(shelf) == []


def test_kinds_that_were_not_asked_for_join_nothing(shelf: Shelf) -> None:
    shelf.put("a", "a.jpg", "copy.jpg")
    for name in "bcd":
        shelf.put(name)
    shelf.tie("a", "b", PairKind.PIXEL)
    shelf.tie("a", "c", PairKind.NEAR)
    shelf.tie("a", "d", PairKind.SIMILAR)

    assert groups(shelf, kinds=[PairKind.EXACT]) == [["a", "copy"]]
    assert groups(shelf, kinds=[PairKind.PIXEL]) == [["a", "copy", "b"]]
    assert sorted(groups(shelf)[0]) == ["a", "b", "c", "copy"]
    assert sorted(groups(shelf, kinds=list(PairKind))[0]) == ["a", "b", "c", "copy", "d"]


def test_a_comparison_that_came_to_nothing_joins_nothing(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.put("b")
    shelf.tie("a", "b", None, 0.0)

    assert clusters(shelf) == []


def test_verdicts_overrule(shelf: Shelf) -> None:
    for name in "abc":
        shelf.put(name)
    shelf.tie("a", "b")
    shelf.say("a", "b", Verdict.DIFFERENT)
    shelf.say("b", "c", Verdict.SAME)

    assert groups(shelf) == [["b", "c"]]


def test_only_files_among_the_chosen_are_looked_at(shelf: Shelf) -> None:
    shelf.put("a", "one/a.jpg", "two/a.jpg", "one/copy.jpg")
    shelf.put("b", "two/b.jpg")
    shelf.tie("a", "b")

    found = clusters(shelf, among=lambda located: located.path.startswith(b"/photos/one/"))

    assert [names(cluster) for cluster in found] == [["a", "copy"]]


# --- what it saves ---------------------------------------------------------------------------------------------------


def test_clusters_come_with_the_largest_saving_first(shelf: Shelf) -> None:
    shelf.put("a", "a.jpg", "a2.jpg", size=10)
    shelf.put("b", "b.jpg", "b2.jpg", size=30)
    shelf.put("c", "c.jpg", "c2.jpg", "c3.jpg", size=10)

    assert [cluster.reclaimable_bytes for cluster in clusters(shelf)] == [30, 20, 10]


def test_hard_links_are_one_file(shelf: Shelf) -> None:
    shelf.put("a", "a.jpg", size=10)
    shelf.link("a.jpg", "link.jpg")
    assert clusters(shelf) == []

    shelf.put("a", "copy.jpg", size=10)
    shelf.link("copy.jpg", "copy-link.jpg")
    (cluster,) = clusters(shelf)
    assert len(cluster.members) == 4
    assert cluster.reclaimable_bytes == 10


def test_another_shot_frees_nothing(shelf: Shelf) -> None:
    shelf.put("a", size=100)
    shelf.put("b", size=50)
    shelf.put("burst", width=2000, size=70)
    shelf.tie("a", "b", PairKind.NEAR)
    shelf.tie("a", "burst", PairKind.SIMILAR)

    (cluster,) = clusters(shelf, kinds=list(PairKind))

    assert len(cluster.members) == 3
    assert cluster.kind is PairKind.SIMILAR
    assert cluster.reclaimable_bytes == 50


# --- which one is kept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (PictureFacts("RAW", 3000, 4000 - 1), PictureFacts("WEBP", 4000, 3000)),
        (PictureFacts("WEBP", 4000, 3000), PictureFacts("JPEG", 3000, 4000 - 1)),
        (PictureFacts("RAW", 400, 300), PictureFacts("JPEG", 400, 300, exif_tags=9)),
        (PictureFacts("HEIF", 400, 300), PictureFacts("WEBP", 400, 300, exif_tags=9)),
        (PictureFacts("JPEG", 400, 300, taken_at="2001-01-01T00:00:00"), PictureFacts("JPEG", 400, 300, exif_tags=9)),
        (PictureFacts("JPEG", 400, 300, taken_at="2001-01-01T00:00:00"), PictureFacts("JPEG", 400, 300)),
    ],
)
def test_the_better_picture_is_kept(shelf: Shelf, better: PictureFacts, worse: PictureFacts) -> None:
    shelf.put("worse", "a.jpg", facts=worse)
    shelf.put("better", "longer-name.jpg", facts=better)
    shelf.tie("worse", "better")

    (cluster,) = clusters(shelf)
    assert cluster.keeper.content.facts == better


def test_of_equals_the_larger_file_then_the_shorter_path_is_kept(shelf: Shelf) -> None:
    shelf.put("larger", "folder/larger.jpg", "larger.jpg", size=11)
    shelf.put("a", size=10)
    shelf.tie("larger", "a")

    (cluster,) = clusters(shelf)
    assert [member.path for member in cluster.members] == [
        b"/photos/larger.jpg",
        b"/photos/folder/larger.jpg",
        b"/photos/a.jpg",
    ]


def test_a_crop_is_not_kept_for_the_whole_picture(shelf: Shelf) -> None:
    shelf.put("whole", width=4000, size=10)
    shelf.put("crop", width=4000, size=99)
    shelf.tie("whole", "crop", evidence=crop_of_a(0.8))

    assert groups(shelf) == [["whole", "crop"]]


def test_a_crop_of_what_is_gone_is_as_good_as_any(shelf: Shelf) -> None:
    shelf.put("whole")
    shelf.put("crop", width=3000)
    shelf.put("thumbnail of the crop", width=300)
    shelf.tie("whole", "crop", evidence=crop_of_a(0.8))
    shelf.tie("crop", "thumbnail of the crop")
    shelf.remove("whole.jpg")

    assert groups(shelf) == [["crop", "thumbnail of the crop"]]


def test_the_caller_may_prefer_otherwise(shelf: Shelf) -> None:
    shelf.put("big")
    shelf.put("small", "z/small.jpg", "y/small.jpg", width=100)
    shelf.tie("big", "small")

    order = KeeperOrder(("path-priority",), Places(path_priority=("*/small.jpg",)))

    (cluster,) = clusters(shelf, order=order)
    assert [member.path for member in cluster.members] == [
        b"/photos/y/small.jpg",
        b"/photos/z/small.jpg",
        b"/photos/big.jpg",
    ]


def test_the_keeper_does_not_depend_on_the_kinds_that_are_listed(shelf: Shelf) -> None:
    shelf.put("whole", facts=PictureFacts("JPEG", 3000, 2000))
    shelf.put("crop", "crop.jpg", facts=PictureFacts("JPEG", 9000, 6000, camera="Canon"))
    shelf.put("crop saved again", facts=PictureFacts("PNG", 9000, 6000), size=10**6)
    shelf.tie("whole", "crop", evidence=crop_of_a(0.5))
    shelf.tie("crop", "crop saved again", PairKind.PIXEL, 1.0, Evidence("pixels"))

    (pixel,) = clusters(shelf, kinds=[PairKind.EXACT, PairKind.PIXEL])
    assert (names(pixel), pixel.rules) == (["crop", "crop saved again"], ("original",))
    whole = clusters(shelf)[0]
    assert (names(whole), whole.rules) == (["whole", "crop"], ("original",))


def test_what_a_near_pair_proves_counts_also_where_only_pixel_pairs_are_listed(shelf: Shelf) -> None:
    shelf.put("whole")
    shelf.put("crop", size=9000, facts=PictureFacts("PNG", 3000, 2000))
    shelf.put("same pixels as the crop", size=10, facts=PictureFacts("PNG", 3000, 2000))
    shelf.tie("whole", "crop", evidence=crop_of_a(0.5))
    shelf.tie("crop", "same pixels as the crop", PairKind.PIXEL, 1.0, Evidence("pixels"))

    (cluster,) = clusters(shelf, kinds=[PairKind.EXACT, PairKind.PIXEL])

    assert (names(cluster), cluster.rules) == (["same pixels as the crop", "crop"], ("original",))


def test_other_shots_leave_no_group_of_exact_copies_behind(shelf: Shelf) -> None:
    shelf.put("best", width=9000)
    shelf.put("between")
    shelf.put("left", "left.jpg", "left copy.jpg", width=10)
    shelf.tie("best", "between", PairKind.SIMILAR)
    shelf.tie("between", "left", PairKind.SIMILAR)

    assert groups(shelf, kinds=[PairKind.SIMILAR]) == [["best", "between"]]


def test_a_copy_of_a_crop_is_never_kept_for_that_crop(shelf: Shelf) -> None:
    """Both are made from another picture; that one of them is larger must not turn the second making around."""
    for name, width in (("whole", 1000), ("crop", 800), ("crop of the crop", 9000)):
        shelf.put(name, width=width)
    shelf.tie("whole", "crop", evidence=crop_of_a(0.8))
    shelf.tie("crop", "crop of the crop", evidence=crop_of_a(0.8))

    ranked = [names(cluster) for cluster in clusters(shelf, linkage=Linkage.COMPONENTS)]

    assert ranked == [["whole", "crop", "crop of the crop"]]


def test_proofs_that_contradict_each_other_leave_it_to_the_next_rules(shelf: Shelf) -> None:
    for name, width in (("a", 1000), ("b", 3000), ("c", 2000)):
        shelf.put(name, width=width)
    for one, other in (("a", "b"), ("b", "c")):
        shelf.tie(one, other, evidence=crop_of_a(0.8))
    pair = shelf.tie("a", "c", evidence=crop_of_a(0.8))
    turned = replace(pair.evidence, overlap_a=1.0, overlap_b=0.8, plain_b=0.1)
    shelf.tie("a", "c", evidence=turned)

    (cluster,) = clusters(shelf)

    assert (names(cluster), cluster.rules) == (["b", "c", "a"], ("resolution",))


def test_a_kind_that_is_not_asked_for_is_neither_a_cluster_nor_summed(shelf: Shelf) -> None:
    shelf.put("a", "a.jpg", "a copy.jpg", size=100)
    shelf.put("b", "b.jpg", "b copy.jpg", size=70)
    shelf.put("c", size=50)
    shelf.tie("a", "b", PairKind.SIMILAR)
    shelf.tie("b", "c", PairKind.NEAR)

    (similar,) = clusters(shelf, kinds=[PairKind.SIMILAR])
    assert ({member.kind for member in similar.members[2:]}, similar.reclaimable_bytes) == ({PairKind.SIMILAR}, 0)
    (near,) = clusters(shelf, kinds=[PairKind.NEAR])
    assert (sorted(names(near)), near.reclaimable_bytes) == (["b", "b copy", "c"], 50)


# --- chains ----------------------------------------------------------------------------------------------------------


def test_a_star_never_chains(shelf: Shelf) -> None:
    put_chain(shelf)

    found = clusters(shelf)

    assert [names(cluster) for cluster in found] == [["c", "b", "d"]]
    assert all(member.proven for cluster in found for member in cluster.members)


def test_components_take_the_whole_chain_and_name_its_weakest_pair(shelf: Shelf) -> None:
    put_chain(shelf)
    shelf.tie("d", "e", score=0.5)

    (cluster,) = clusters(shelf, linkage=Linkage.COMPONENTS)

    assert names(cluster) == ["c", "a", "b", "d", "e"]
    assert cluster.weakest == (shelf.ids["d"], shelf.ids["e"])
    proven = dict(zip(names(cluster), (member.proven for member in cluster.members), strict=True))
    assert proven == {"a": False, "b": True, "c": True, "d": True, "e": False}
    assert cluster.members[4].score == 0.5


def test_components_without_a_chain_have_no_weakest_pair(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.put("b", width=100)
    shelf.tie("a", "b")

    (cluster,) = clusters(shelf, linkage=Linkage.COMPONENTS)
    assert cluster.weakest is None


def test_complete_linkage_asks_for_every_pair(shelf: Shelf) -> None:
    for name, width in (("a", 4000), ("b", 3000), ("c", 2000), ("d", 1000)):
        shelf.put(name, width=width)
    for one, other in (("a", "b"), ("a", "c"), ("b", "c"), ("a", "d")):
        shelf.tie(one, other)

    assert groups(shelf, linkage=Linkage.STAR) == [["a", "b", "c", "d"]]
    assert groups(shelf, linkage=Linkage.COMPLETE) == [["a", "b", "c"]]


def test_dbscan_cuts_a_thin_chain_between_two_crowds(shelf: Shelf) -> None:
    crowds = ("abcd", "efgh")
    for place, name in enumerate("".join(crowds) + "x"):
        shelf.put(name, width=4000 - place)
    for crowd in crowds:
        for one in crowd:
            for other in crowd:
                if one < other:
                    shelf.tie(one, other)
    shelf.tie("d", "x")
    shelf.tie("x", "e")

    assert groups(shelf, linkage=Linkage.COMPONENTS) == [list("abcdefghx")]
    assert groups(shelf, linkage=Linkage.DBSCAN) == [list("abcdx"), list("efgh")]


# --- whatever the pairs ----------------------------------------------------------------------------------------------

contents = st.sampled_from("abcdefg")
ties = st.lists(st.tuples(contents, contents).filter(lambda tie: tie[0] != tie[1]), max_size=15)


@settings(max_examples=40, deadline=None)
@given(drawn=ties, order=st.permutations("abcdefg"), linkage=st.sampled_from(Linkage))
def test_every_file_is_in_one_cluster_and_every_removable_one_is_proven(
    empty_catalog: Path, drawn: list[tuple[str, str]], order: list[str], linkage: Linkage
) -> None:
    with tempfile.TemporaryDirectory() as folder, Catalog.open(Path(shutil.copy(empty_catalog, folder))) as catalog:
        shelf = Shelf(catalog)
        for place, name in enumerate(order):
            shelf.put(name, width=4000 - place)
        pairs = {(pair.a, pair.b) for one, other in drawn for pair in [shelf.tie(one, other)]}

        found = clusters(shelf, linkage=linkage)

        paths = [member.path for cluster in found for member in cluster.members]
        assert len(paths) == len(set(paths))
        for cluster in found:
            ids = [member.content.id for member in cluster.members]
            assert cluster.id == min(ids)
            assert [os.fsdecode(member.path) for member in cluster.members] == sorted(
                (os.fsdecode(member.path) for member in cluster.members),
                key=lambda path: order.index(Path(path).stem),
            )
            for member in cluster.members[1:]:
                own = tuple(sorted((ids[0], member.content.id)))
                assert member.proven == (own in pairs)
        if linkage in (Linkage.STAR, Linkage.COMPLETE):
            assert all(member.proven for cluster in found for member in cluster.members)
        if linkage is Linkage.COMPLETE:
            for cluster in found:
                ids = sorted(member.content.id for member in cluster.members)
                assert all((a, b) in pairs for place, a in enumerate(ids) for b in ids[place + 1 :])
        if linkage is Linkage.COMPONENTS:
            joined = {member.content.id: cluster.id for cluster in found for member in cluster.members}
            assert all(joined[a] == joined[b] for a, b in pairs)


@settings(max_examples=40, deadline=None)
@given(drawn=ties, said=ties, linkage=st.sampled_from(Linkage))
def test_clusters_around_a_picture_are_those_of_the_whole_library(
    empty_catalog: Path, drawn: list[tuple[str, str]], said: list[tuple[str, str]], linkage: Linkage
) -> None:
    with tempfile.TemporaryDirectory() as folder, Catalog.open(Path(shutil.copy(empty_catalog, folder))) as catalog:
        shelf = Shelf(catalog)
        for name in "abcdefg":
            shelf.put(name)
        shelf.put("a", "copy-of-a.jpg")
        for one, other in drawn:
            shelf.tie(one, other)
        for place, (one, other) in enumerate(said):
            shelf.say(one, other, Verdict.SAME if place % 2 else Verdict.DIFFERENT)

        whole = clusters(shelf, linkage=linkage)
        components = clusters(shelf, linkage=Linkage.COMPONENTS)

        for content_id in shelf.ids.values():
            tied = {content_id}.union(*(ids for ids in map(_contents, components) if content_id in ids))
            expected = [cluster for cluster in whole if _contents(cluster) & tied]
            assert clusters(shelf, linkage=linkage, around=[content_id]) == expected


def _contents(cluster: Cluster) -> set[int]:
    return {member.content.id for member in cluster.members}
