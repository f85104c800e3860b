"""What a policy must not touch, whatever the proofs say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from living_library import EXACT_ONLY, NOW, LivingLibrary, picture

from dedupctl.config import PolicyConfig
from dedupctl.policy.guards import RemovesTooMuch, excessive_share, require_modest_share

DAY = 86_400


def skipped(library: LivingLibrary, **policy: Any) -> list[str | None]:
    changed = PolicyConfig.model_validate(EXACT_ONLY.model_dump() | policy)
    return [action.skipped for action in library.plan(changed).actions]


@pytest.fixture
def copies(library: LivingLibrary, root: Path) -> Path:
    (root / "album").mkdir()
    for path in (root / "a.jpg", root / "album" / "a copy.jpg"):
        path.write_bytes(picture(1))
        os.utime(path, (NOW - 2 * DAY, NOW - 2 * DAY))
    library.scan()
    return root


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({}, None),
        ({"min_age_days": 1}, None),
        ({"min_age_days": 3}, "it is younger than 3 days"),
        ({"min_size": 10}, None),
        ({"min_size": 1000}, "it is smaller than 1000 bytes"),
        ({"max_size": 10}, "it is larger than 10 bytes"),
        ({"paths": ("*/album/*",)}, None),
        ({"paths": ("*/elsewhere/*",)}, "it matches none of the policy's paths"),
        ({"exclude": ("*/album/*",)}, "the policy excludes its path"),
        ({"roots": ("/elsewhere",)}, "its root is outside the policy's scope"),
    ],
)
@pytest.mark.usefixtures("copies")
def test_age_size_and_place(library: LivingLibrary, policy: dict[str, Any], reason: str | None) -> None:
    assert skipped(library, **policy) == [reason]


@pytest.mark.parametrize("through_a_link", [False, True])
def test_what_a_policy_has_moved_into_a_watched_folder_is_neither_moved_on_nor_kept_for_another(
    library: LivingLibrary, copies: Path, through_a_link: bool
) -> None:
    (library.base / "link").symlink_to(copies)
    place = (library.base / "link" if through_a_link else copies) / "dups"
    moving = EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": place, "path_priority": ("*/dups/*",)})
    assert library.apply(library.plan(moving)).removed == 1
    library.scan()
    assert library.plan(moving).actions == ()
    assert len(library.plan().removals) == 1


@pytest.mark.usefixtures("copies")
def test_a_root_may_be_named_through_a_symlink(library: LivingLibrary) -> None:
    (library.base / "link").symlink_to("photos")
    assert skipped(library, roots=(library.base / "link",)) == [None]


def test_a_copy_in_an_offline_root_is_neither_removed_nor_kept_for_another(
    library: LivingLibrary, copies: Path
) -> None:
    second = library.add_root("second")
    (second / "b.jpg").write_bytes(picture(1))
    library.scan()
    assert len(skipped(library)) == 2
    second.rename(library.base / "away")
    assert skipped(library) == [None]
    (library.base / "away").rename(second)
    copies.rename(library.base / "away")
    copies.mkdir()  # as an unmounted disk leaves its folder behind
    assert skipped(library) == []


@pytest.mark.parametrize("between", [True, False])
def test_within_and_between_roots(library: LivingLibrary, copies: Path, between: bool) -> None:
    second = library.add_root("second")
    (second / "b copy.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan(EXACT_ONLY.model_copy(update={"scope": "between" if between else "within"}))
    removed = {os.fsdecode(action.victim.absolute) for action in plan.removals}
    assert removed == {str(second / "b copy.jpg" if between else copies / "album" / "a copy.jpg")}


def test_the_share_counts_pictures_of_each_root_and_what_is_done_already(library: LivingLibrary, root: Path) -> None:
    other = library.add_root("other")
    for number in range(6):
        (root / f"{number}.jpg").write_bytes(picture(number))
    (root / "0 copy.jpg").write_bytes(picture(0))
    (root / "1 copy.jpg").write_bytes(picture(1))
    (root / "1 copy.xmp").write_bytes(b"<a/>")
    (other / "5.jpg").write_bytes(picture(50))
    library.scan()
    plan = library.plan()
    with library.catalog.read() as tx:
        require_modest_share(tx, plan.id, 25)
        assert excessive_share(tx, plan, 25) is None
        with pytest.raises(RemovesTooMuch, match=r"2 of the 8 pictures in .*photos \(25 %\), more than 24 %"):
            require_modest_share(tx, plan.id, 24)
        assert "2 of the 8" in str(excessive_share(tx, plan, 24))
    library.apply(plan, share=25)
    with library.catalog.read() as tx:
        require_modest_share(tx, plan.id, 25)
