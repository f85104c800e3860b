from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from shelf import Shelf

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import PairKind
from dedupctl.matching.completion import STARS, lacking_pairs


@pytest.fixture
def shelf(catalog: Catalog) -> Shelf:
    return Shelf(catalog)


def lacking(shelf: Shelf, *names: str) -> list[set[str]]:
    named = {content_id: name for name, content_id in shelf.ids.items()}
    with shelf.catalog.read() as tx:
        found = lacking_pairs(tx, [shelf.ids[name] for name in names])
    assert all(a < b for a, b in found)
    return [{named[a], named[b]} for a, b in found]


def judge_all(shelf: Shelf, names: str, verdict: Callable[[str, str], PairKind | None]) -> int:
    """Judge what is lacking until nothing is; returns how many comparisons that took."""
    compared = 0
    while found := lacking(shelf, *names):
        for one, other in map(sorted, found):
            shelf.tie(one, other, verdict(one, other))
        compared += len(found)
    return compared


def chained(shelf: Shelf, names: str) -> None:
    """The first has the most pixels, and each is compared with the next one only."""
    for place, name in enumerate(names):
        shelf.put(name, width=4000 - place)
    for one, other in pairwise(names):
        shelf.tie(one, other)


def test_a_star_that_is_whole_lacks_nothing(shelf: Shelf) -> None:
    for name in "abc":
        shelf.put(name)
    shelf.tie("a", "b")
    shelf.tie("a", "c")
    assert lacking(shelf, "a", "b", "c") == []


def test_members_that_never_met_the_keeper_are_named_whichever_of_them_is_asked_about(shelf: Shelf) -> None:
    chained(shelf, "abcd")
    for asked in "abcd":
        assert lacking(shelf, asked) == [{"a", "c"}, {"a", "d"}]


def test_copies_of_one_picture_take_one_comparison_a_member(shelf: Shelf) -> None:
    names = "abcdefghijklmnopqrst"
    chained(shelf, names)
    assert judge_all(shelf, names, lambda _one, _other: PairKind.NEAR) == len(names) - 2


def test_where_the_keeper_is_no_copy_the_next_best_takes_its_place(shelf: Shelf) -> None:
    for place, name in enumerate("abcd"):
        shelf.put(name, width=4000 - place)
    for other in "acd":
        shelf.tie("b", other)
    shelf.tie("a", "c", None)
    shelf.tie("a", "d", None)
    assert lacking(shelf, "b") == [{"c", "d"}]


def test_a_long_chain_costs_a_few_comparisons_a_member_and_not_their_square(shelf: Shelf) -> None:
    names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    chained(shelf, names)
    assert judge_all(shelf, names, lambda _one, _other: None) <= STARS * len(names)
