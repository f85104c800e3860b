"""A `pixel` pair is proven again before a picture goes. The caller decides who decodes; `removal` itself does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living_library import TIDY_ALL, LivingLibrary, picture, tree

from dedupctl.domain import Evidence, Pair, PairKind, Plan, Unreadable


@pytest.fixture
def plan(library: LivingLibrary, root: Path) -> Plan:
    """Of two files that were found to have the same pixels."""
    (root / "a.jpg").write_bytes(picture(1))
    (root / "a copy.jpg").write_bytes(picture(1, 0, "with a comment"))
    library.scan()
    with library.catalog.write() as tx:
        tx.pairs.put([Pair(*sorted(library.bytes_of), PairKind.PIXEL, 1.0, Evidence("pixels"))])
    return library.plan(TIDY_ALL)


def test_the_caller_is_asked_about_the_removed_and_the_kept_file(
    library: LivingLibrary, root: Path, plan: Plan
) -> None:
    asked: list[set[bytes]] = []

    def same(path_a: bytes, path_b: bytes) -> bool:
        asked.append({path_a, path_b})
        return True

    assert library.apply(plan, same_pixels=same).complete
    assert asked == [{os.fsencode(root / name) for name in ("a.jpg", "a copy.jpg")}]
    assert len(tree(root)) == 1


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (False, "it does not show the same pixels as the kept copy"),
        (
            Unreadable("memory", "there is not enough memory to decode it"),
            "its pixels could not be compared with those of the kept copy: there is not enough memory to decode it",
        ),
    ],
)
def test_what_is_not_proven_stays(
    library: LivingLibrary, root: Path, plan: Plan, found: bool | Unreadable, reason: str
) -> None:
    applied = library.apply(plan, same_pixels=lambda _a, _b: found)
    assert [one.reason for one in applied.refused] == [reason]
    assert len(tree(root)) == 2
