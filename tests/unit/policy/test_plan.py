"""From clusters to a frozen plan: what would go, for which kept copy, and what must stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, NOW, TIDY_ALL, LivingLibrary, picture

from dedupctl.config import PolicyConfig
from dedupctl.domain import PairKind, Verdict
from dedupctl.policy.plan import Request, draft_plan


def lay(root: Path, *pictures: tuple[str, bytes]) -> None:
    for name, data in pictures:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def test_a_draft_is_not_stored_and_a_plan_is_with_all_it_says(library: LivingLibrary, root: Path) -> None:
    lay(root, ("a.jpg", picture(1)), ("a copy.jpg", picture(1)), ("b.jpg", picture(2)), ("c.jpg", picture(2, 1)))
    library.scan()
    drafted = draft_plan(library.catalog, "test", TIDY_ALL, now=NOW)
    with library.catalog.read() as tx:
        assert tx.plans.all() == []
    made = library.plan(TIDY_ALL)
    with library.catalog.read() as tx:
        assert tx.plans.get(made.id) == made
    assert (drafted.id, len(drafted.removals)) == (0, len(made.removals))


@pytest.mark.parametrize(
    ("kinds", "removed"),
    [(("exact",), 1), (("exact", "pixel"), 2), (("near",), 1), (("exact", "pixel", "near"), 3)],
)
def test_only_the_kinds_of_the_policy_and_never_what_is_only_similar(
    library: LivingLibrary, root: Path, kinds: tuple[str, ...], removed: int
) -> None:
    lay(root, ("a.jpg", picture(1)), ("a copy.jpg", picture(1)))
    lay(root, ("b.jpg", picture(2)), ("b copy.jpg", picture(2, 0, "x")))
    lay(root, ("c.jpg", picture(3)), ("c copy.jpg", picture(3, 1)))
    lay(root, ("d.jpg", picture(4)), ("d copy.jpg", picture(4, 2)))
    library.scan()
    plan = library.plan(PolicyConfig.model_validate({"kinds": kinds}))
    assert len(plan.removals) == removed
    assert {action.kind for action in plan.removals} == {PairKind(kind) for kind in kinds}


def test_a_human_verdict_is_heard_both_ways(library: LivingLibrary, root: Path) -> None:
    lay(root, ("b.jpg", picture(2)), ("b copy.jpg", picture(2, 1)), ("x.jpg", picture(5)), ("y copy.jpg", picture(6)))
    library.scan()
    library.say(picture(2), picture(2, 1), Verdict.DIFFERENT)
    library.say(picture(5), picture(6), Verdict.SAME)
    (action,) = library.plan(TIDY_ALL).removals
    assert action.victim.path == b"y copy.jpg"
    assert library.plan(PolicyConfig()).removals == ()  # without anybody who looks


def test_with_nobody_to_look_near_copies_stay(library: LivingLibrary, root: Path) -> None:
    lay(root, ("a.jpg", picture(1)), ("a copy.jpg", picture(1)), ("b.jpg", picture(2)), ("c.jpg", picture(2, 1)))
    library.scan()
    plan = library.plan(TIDY_ALL, unattended=True)
    assert [action.kind for action in plan.removals] == [PairKind.EXACT]
    assert plan.terms.kinds == (PairKind.EXACT, PairKind.PIXEL)


def test_across_two_folders_only_the_second_one_loses(library: LivingLibrary, root: Path) -> None:
    lay(root, ("a/1 copy.jpg", picture(1)), ("b/1.jpg", picture(1)), ("b/1 copy.jpg", picture(1)))
    lay(
        root,
        ("a/2.jpg", picture(2)),
        ("a/2 copy.jpg", picture(2)),
        ("b/3.jpg", picture(3)),
        ("b/3 copy.jpg", picture(3)),
    )
    lay(root, ("c/1.jpg", picture(1)), ("c/3.jpg", picture(3)))
    library.scan()
    plan = library.plan(TIDY_ALL, across=(os.fsencode(root / "a"), os.fsencode(root / "b")))
    assert sorted(action.victim.path for action in plan.removals) == [b"b/1 copy.jpg", b"b/1.jpg"]
    assert {action.keeper.path for action in plan.removals if action.keeper} == {b"a/1 copy.jpg"}


def test_of_two_nested_folders_the_inner_one_counts(library: LivingLibrary, root: Path) -> None:
    lay(root, ("1.jpg", picture(1)), ("inner/1 copy.jpg", picture(1)))
    library.scan()
    inner, outer = os.fsencode(root / "inner"), os.fsencode(root)
    assert [one.victim.path for one in library.plan(across=(inner, outer)).removals] == [b"1.jpg"]
    assert [one.victim.path for one in library.plan(across=(outer, inner)).removals] == [b"inner/1 copy.jpg"]


def test_a_file_under_two_nested_roots_is_one_file(library: LivingLibrary, root: Path) -> None:
    lay(root, ("album/a.jpg", picture(1)), ("album/a copy.jpg", picture(1)))
    library.add_root("photos/album")
    library.scan()
    plan = library.plan()
    assert [action.victim.absolute for action in plan.removals] == [os.fsencode(root / "album" / "a copy.jpg")]
    assert library.apply(plan).removed == 1
    assert (root / "album" / "a.jpg").exists()


def test_hard_links_of_the_kept_file_free_nothing_and_stay(library: LivingLibrary, root: Path) -> None:
    lay(root, ("a.jpg", picture(1)), ("b copy.jpg", picture(1)))
    os.link(root / "a.jpg", root / "a linked.jpg")
    library.scan()
    plan = library.plan()
    assert [action.victim.path for action in plan.removals] == [b"b copy.jpg"]
    assert [action.skipped for action in plan.actions if action.skipped] == [
        "it is one more name of the kept copy: removing it frees nothing"
    ]


def test_a_person_may_ask_again_for_what_was_restored_but_the_daemon_may_not(
    library: LivingLibrary, root: Path
) -> None:
    lay(root, ("a.jpg", picture(1)), ("a copy.jpg", picture(1)))
    library.scan()
    library.apply(library.plan())
    library.restore_all()
    assert len(library.plan().removals) == 1
    alone = library.plan(EXACT_ONLY, unattended=True)
    assert [action.skipped for action in alone.actions] == ["it was restored, so somebody wants it"]


def test_what_was_asked_for_is_written_into_the_terms(library: LivingLibrary) -> None:
    policy = PolicyConfig(action="move-to", move_to=Path("/photos/../else where"), retention_days=7)
    terms = draft_plan(library.catalog, "test", policy, now=NOW, request=Request(quarantine=False)).terms
    assert terms.move_to == b"/else where"
    assert (terms.retention_days, terms.quarantine, terms.unattended) == (7, False, False)


@pytest.mark.parametrize("bin_name", ["#recycle", "$RECYCLE.BIN", ".snapshots", ".Trash-1000"])
def test_nothing_goes_for_a_copy_in_a_bin_or_snapshot(library: LivingLibrary, root: Path, bin_name: str) -> None:
    lay(root, (f"{bin_name}/a.jpg", picture(1)), ("sub/deeper/a copy.jpg", picture(1)))
    library.scan()
    plan = library.plan(EXACT_ONLY.model_copy(update={"path_priority": (f"*/{bin_name.replace('[', '[[]')}/*",)}))
    assert "sub/deeper/a copy.jpg" not in [os.fsdecode(action.victim.path) for action in plan.removals]


def test_the_copy_outside_a_bin_is_the_keeper_whatever_the_policy_prefers(library: LivingLibrary, root: Path) -> None:
    lay(root, ("#recycle/a.jpg", picture(1)), ("sub/deeper/a copy.jpg", picture(1)))
    library.scan()
    plan = library.plan(EXACT_ONLY.model_copy(update={"path_priority": ("*/#recycle/*",)}))
    assert [(action.victim.path, action.rule) for action in plan.removals] == [
        (b"#recycle/a.jpg", "it lies in no bin, snapshot or cache")
    ]
