from __future__ import annotations

from collections.abc import Collection

import pytest
from shelf import Shelf

from dedupctl.domain import Evidence, PairKind, Verdict
from dedupctl.matching.file_pairs import FilePair, file_pairs, pairs_across

DUPLICATES = (PairKind.EXACT, PairKind.PIXEL, PairKind.NEAR)


def pairs(shelf: Shelf, kinds: Collection[PairKind] = DUPLICATES) -> list[FilePair]:
    with shelf.catalog.read() as tx:
        return list(file_pairs(tx, kinds))


def across(shelf: Shelf, one: bytes, other: bytes) -> list[tuple[bytes, bytes]]:
    with shelf.catalog.read() as tx:
        return [(pair.a.path, pair.b.path) for pair in pairs_across(tx, one, other, DUPLICATES)]


def ends(found: list[FilePair]) -> set[frozenset[bytes]]:
    return {frozenset((pair.a.path, pair.b.path)) for pair in found}


def test_every_two_files_of_one_content_are_an_exact_pair(shelf: Shelf) -> None:
    shelf.put("a", "1.jpg", "2.jpg", "3.jpg")

    found = pairs(shelf)

    assert ends(found) == {
        frozenset((b"/photos/1.jpg", b"/photos/2.jpg")),
        frozenset((b"/photos/1.jpg", b"/photos/3.jpg")),
        frozenset((b"/photos/2.jpg", b"/photos/3.jpg")),
    }
    assert {(pair.kind, pair.score, pair.evidence) for pair in found} == {
        (PairKind.EXACT, 1.0, Evidence(method="bytes"))
    }
    assert len(found) == 3


def test_hard_links_are_no_pair(shelf: Shelf) -> None:
    shelf.put("a", "1.jpg", "2.jpg")
    shelf.link("1.jpg", "link.jpg")

    assert ends(pairs(shelf)) == {
        frozenset((b"/photos/1.jpg", b"/photos/2.jpg")),
        frozenset((b"/photos/link.jpg", b"/photos/2.jpg")),
    }


def test_a_pair_of_contents_is_one_of_all_their_files(shelf: Shelf) -> None:
    shelf.put("a", "a1.jpg", "a2.jpg")
    shelf.put("b", "b1.jpg", "b2.jpg", "gone.jpg")
    shelf.put("c")
    tied = shelf.tie("a", "b", PairKind.NEAR, 0.8)
    shelf.remove("gone.jpg")

    found = pairs(shelf, [PairKind.NEAR])

    assert [(pair.a.path, pair.b.path) for pair in found] == [
        (b"/photos/a1.jpg", b"/photos/b1.jpg"),
        (b"/photos/a1.jpg", b"/photos/b2.jpg"),
        (b"/photos/a2.jpg", b"/photos/b1.jpg"),
        (b"/photos/a2.jpg", b"/photos/b2.jpg"),
    ]
    assert {(pair.kind, pair.score) for pair in found} == {(PairKind.NEAR, 0.8)}
    assert found[0].evidence == tied.evidence


def test_only_the_kinds_asked_for_are_told(shelf: Shelf) -> None:
    shelf.put("a", "a1.jpg", "a2.jpg")
    shelf.put("b")
    shelf.tie("a", "b", PairKind.SIMILAR)

    assert {pair.kind for pair in pairs(shelf)} == {PairKind.EXACT}
    assert {pair.kind for pair in pairs(shelf, [PairKind.SIMILAR])} == {PairKind.SIMILAR}


def test_verdicts_overrule(shelf: Shelf) -> None:
    for name in "abc":
        shelf.put(name)
    shelf.tie("a", "b")
    shelf.say("a", "b", Verdict.DIFFERENT)
    shelf.say("a", "c", Verdict.SAME)

    assert ends(pairs(shelf)) == {frozenset((b"/photos/a.jpg", b"/photos/c.jpg"))}


def test_a_pair_whose_files_are_gone_is_none(shelf: Shelf) -> None:
    shelf.put("a")
    shelf.put("b")
    shelf.tie("a", "b")
    shelf.remove("b.jpg")

    assert pairs(shelf) == []


@pytest.mark.parametrize("slash", [b"", b"/"])
def test_across_two_folders_the_first_comes_first(shelf: Shelf, slash: bytes) -> None:
    shelf.put("a", "one/a.jpg", "two/deep/a.jpg", "one/copy.jpg", "one-more/a.jpg")
    shelf.put("b", "two/b.jpg")
    shelf.tie("a", "b")

    assert set(across(shelf, b"/photos/two" + slash, b"/photos/one" + slash)) == {
        (b"/photos/two/deep/a.jpg", b"/photos/one/a.jpg"),
        (b"/photos/two/deep/a.jpg", b"/photos/one/copy.jpg"),
        (b"/photos/two/b.jpg", b"/photos/one/a.jpg"),
        (b"/photos/two/b.jpg", b"/photos/one/copy.jpg"),
    }


def test_across_works_over_two_roots(shelf: Shelf) -> None:
    other = shelf.add_root(b"/backup")
    shelf.put("a")
    shelf.put("a", "a.jpg", root=other)

    assert across(shelf, b"/backup", b"/photos") == [(b"/backup/a.jpg", b"/photos/a.jpg")]
    assert across(shelf, b"/", b"/backup") == [(b"/photos/a.jpg", b"/backup/a.jpg")]


def test_across_a_folder_and_itself_are_the_pairs_inside_it(shelf: Shelf) -> None:
    shelf.put("a", "one/1.jpg", "one/2.jpg", "two/3.jpg")

    assert across(shelf, b"/photos/one", b"/photos/one") == [(b"/photos/one/1.jpg", b"/photos/one/2.jpg")]
