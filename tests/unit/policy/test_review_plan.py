"""What a person chose by looking goes, unless it must stay; and whatever belongs to it goes along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from living_library import NOW, LivingLibrary, picture, tree

from dedupctl.domain import PairKind, Plan, Verdict
from dedupctl.matching.clusters import find_clusters
from dedupctl.policy.review_plan import plan_choice


def choice(library: LivingLibrary) -> Plan:
    """Keep the keeper of the only cluster, remove all others."""
    with library.catalog.read() as tx:
        (cluster,) = find_clusters(tx)
    return plan_choice(library.catalog, cluster.keeper, cluster.members[1:], now=NOW)


def test_what_was_chosen_goes_with_its_sidecar(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
        (root / f"{name}.xmp").write_bytes(b"<x:xmpmeta/>")
    library.scan()
    plan = choice(library)
    assert plan.policy == "review"
    assert {action.rule for action in plan.removals if action.kind is PairKind.EXACT} == {"your choice"}
    assert library.apply(plan).complete
    assert sorted(tree(root)) == ["a.jpg", "a.jpg.xmp"]


def test_what_lies_in_a_reference_root_or_is_protected_stays(library: LivingLibrary, root: Path) -> None:
    reference = library.add_root("reference", reference=True)
    (root / "a.jpg").write_bytes(picture(1))
    (root / "protected copy.jpg").write_bytes(picture(1))
    (reference / "reference copy.jpg").write_bytes(picture(1))
    library.scan()
    library.protect(root / "protected copy.jpg")
    plan = choice(library)
    assert plan.removals == ()
    assert sorted(str(action.skipped) for action in plan.actions) == ["it is protected", "it lies in a reference root"]


def test_one_more_name_of_the_kept_file_stays(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "linked.jpg").hardlink_to(root / "a.jpg")
    (root / "third copy.jpg").write_bytes(picture(1))
    library.scan()
    plan = choice(library)
    assert [action.victim.path for action in plan.removals] == [b"third copy.jpg"]


def test_a_verdict_given_since_is_heard_when_the_choice_is_applied(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "b.jpg").write_bytes(picture(1, 1))
    library.scan()
    plan = choice(library)
    library.say(picture(1), picture(1, 1), Verdict.DIFFERENT)
    applied = library.apply(plan)
    assert (applied.removed, len(applied.refused)) == (0, 1)
    assert len(tree(root)) == 2


def test_nothing_goes_for_a_copy_in_a_bin(library: LivingLibrary, root: Path) -> None:
    (root / "#recycle").mkdir()
    for name in ("#recycle/a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    with library.catalog.read() as tx:
        (cluster,) = find_clusters(tx)
    binned, other = sorted(cluster.members, key=lambda member: b"#recycle" not in member.path)
    plan = plan_choice(library.catalog, binned, [replace(other, kind=PairKind.EXACT, proven=True)], now=NOW)
    assert [str(action.skipped) for action in plan.actions] == [
        "the kept copy lies in a bin, a snapshot or a cache, which does not keep it"
    ]
