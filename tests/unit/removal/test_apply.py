from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, quarantined, tree

from dedupctl.config import PolicyConfig
from dedupctl.disk.steps import Step, Steps
from dedupctl.domain import EntryState, Verdict
from dedupctl.errors import LockHeld, UsageError
from dedupctl.policy.guards import RemovesTooMuch
from dedupctl.policy.plan import draft_plan, store_plan
from dedupctl.removal.apply import BATCH_BUNDLES
from dedupctl.removal.recover import acting


def twins(root: Path) -> tuple[Path, Path]:
    """A keeper and its copy."""
    (root / "a.jpg").write_bytes(picture(1))
    (root / "a copy.jpg").write_bytes(picture(1))
    return root / "a.jpg", root / "a copy.jpg"


def at(wanted: Step, disturb: Callable[[], object]) -> Steps:
    """Somebody else does something at the first such step."""
    left = [disturb]

    def step(now: Step) -> None:
        if now is wanted and left:
            left.pop()()

    return step


def test_an_exact_copy_goes_to_the_quarantine_of_its_root(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "album").mkdir()
    (root / "album" / "a copy.jpg").write_bytes(picture(1))
    library.scan()

    applied = library.apply(library.plan())

    assert applied.complete
    assert applied.removed == 1
    assert tree(root) == {"a.jpg": picture(1)}
    assert quarantined(root) == [root / ".dedupctl/quarantine/1/album/a copy.jpg"]


def test_a_chain_keeps_a_copy_with_its_own_pair_to_each_removed_one(library: LivingLibrary, root: Path) -> None:
    for variant in range(5):
        (root / f"{variant}.jpg").write_bytes(picture(1, variant))
    library.scan()

    library.apply(library.plan(TIDY_ALL))

    left = set(tree(root).values())
    assert len(left) < 5
    assert all(any(abs(kept - gone) <= 1 for kept in range(5) if picture(1, kept) in left) for gone in range(5))


def test_the_kept_copy_of_a_removed_picture_does_not_go_for_one_unlike_it(library: LivingLibrary, root: Path) -> None:
    for variant in (0, 1):
        (root / f"{variant}.jpg").write_bytes(picture(1, variant))
    library.scan()
    library.apply(library.plan(TIDY_ALL.model_copy(update={"path_priority": ("*/1.jpg",)})))
    (root / "2.jpg").write_bytes(picture(1, 2))
    library.scan()

    later = library.plan(TIDY_ALL.model_copy(update={"path_priority": ("*/2.jpg",)}))

    assert [action.skipped for action in later.actions] == [
        "it is the kept copy of a removed picture that the new kept copy could not stand for"
    ]


@pytest.mark.parametrize("purged", [False, True])
def test_what_was_promised_to_a_removed_picture_is_handed_on_from_one_kept_copy_to_the_next(
    library: LivingLibrary, root: Path, purged: bool
) -> None:
    """The second kept copy stands for the first removed one too, the third for the second only: a chain over months."""
    kept = [picture(1, 1), picture(1, 2), picture(1, 2, "edited"), picture(1, 3)]
    for number, data in enumerate(kept):
        (root / f"{number}.jpg").write_bytes(data)
        library.scan()
        plan = library.plan(TIDY_ALL.model_copy(update={"path_priority": (f"*/{number}.jpg",)}))
        library.apply(plan)
        if purged:
            library.purge()

    assert tree(root) == {"2.jpg": kept[2], "3.jpg": kept[3]}
    assert [action.skipped for action in plan.actions] == [
        "it is the kept copy of a removed picture that the new kept copy could not stand for"
    ]


def test_what_was_removed_keeps_everything_that_stat_and_xattrs_say(library: LivingLibrary, root: Path) -> None:
    _, copy = twins(root)
    copy.chmod(0o640)
    os.utime(copy, ns=(5, 1_234_567_890_123_456_789))
    library.scan()
    before = copy.stat()

    library.apply(library.plan())
    library.restore_all()

    after = copy.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ino) == (before.st_mode, before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("disturbed", ["a.jpg", "a copy.jpg"])
def test_what_changed_since_the_plan_is_left_alone(library: LivingLibrary, root: Path, disturbed: str) -> None:
    twins(root)
    library.scan()
    plan = library.plan()
    (root / disturbed).write_bytes(picture(9))

    applied = library.apply(plan)

    assert [outcome.reason.endswith("it has changed since the plan was made") for outcome in applied.refused] == [True]
    assert len(tree(root)) == 2


def test_a_change_that_size_and_time_hide_is_found_by_the_bytes(library: LivingLibrary, root: Path) -> None:
    _, victim = twins(root)
    library.scan()
    plan = library.plan()
    times = victim.stat()
    with victim.open("r+b") as file:
        file.write(picture(1).replace(b"scene 1", b"scene 8"))
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))

    applied = library.apply(plan)

    assert [one.reason for one in applied.refused] == ["it does not hold the same bytes as the kept copy any more"]
    assert victim.exists()


def test_a_symlink_in_the_victims_place_is_not_followed(library: LivingLibrary, root: Path) -> None:
    keeper, victim = twins(root)
    precious = library.base / "precious.jpg"
    precious.write_bytes(picture(1))
    library.scan()
    plan = library.plan()

    def swap() -> None:
        victim.unlink()
        victim.symlink_to(precious)

    applied = library.apply(plan, steps=at(Step.MOVING, swap))

    assert [one.reason for one in applied.refused] == ["another file took its place at the last moment"]
    assert victim.is_symlink()
    assert precious.read_bytes() == keeper.read_bytes() == picture(1)


def test_a_symlink_put_in_the_victims_place_since_the_plan_is_named(library: LivingLibrary, root: Path) -> None:
    keeper, victim = twins(root)
    library.scan()
    plan = library.plan()
    victim.unlink()
    victim.symlink_to(keeper)

    assert [one.reason for one in library.apply(plan).refused] == ["a symbolic link is in its place"]


def test_a_symlinked_folder_on_the_way_is_not_followed(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "album").mkdir()
    (root / "album" / "b.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan(EXACT_ONLY.model_copy(update={"keep": ("path",)}))
    (root / "album").rename(library.base / "elsewhere")
    (root / "album").symlink_to(library.base / "elsewhere")

    applied = library.apply(plan)

    assert [one.reason for one in applied.refused] == [f"{root / 'album'} is a symbolic link"]
    assert (library.base / "elsewhere" / "b.jpg").exists()


def test_another_file_at_the_last_moment_gets_its_name_back(library: LivingLibrary, root: Path) -> None:
    _, victim = twins(root)
    library.scan()

    def replace() -> None:
        victim.unlink()
        victim.write_bytes(picture(5))

    applied = library.apply(library.plan(), steps=at(Step.MOVING, replace))

    assert applied.removed == 0
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(5)}


@pytest.mark.parametrize("step", [Step.CHECKED, Step.INTENDED, Step.PREPARED, Step.MOVING, Step.RENAMED])
def test_a_keeper_deleted_meanwhile_keeps_the_victim(library: LivingLibrary, root: Path, step: Step) -> None:
    keeper, victim = twins(root)
    library.scan()

    applied = library.apply(library.plan(), steps=at(step, keeper.unlink))

    assert applied.removed == 0
    assert tree(root) == {"a copy.jpg": picture(1)}
    assert victim.exists()
    assert "a.jpg" in str(applied.refused[0].reason)


def test_a_protection_given_while_the_files_were_read_counts(library: LivingLibrary, root: Path) -> None:
    _, victim = twins(root)
    library.scan()

    applied = library.apply(library.plan(), steps=at(Step.CHECKED, lambda: library.protect(victim)))

    assert [one.reason for one in applied.refused] == ["it is protected"]
    assert victim.exists()


def test_a_verdict_given_while_the_files_were_read_counts(library: LivingLibrary, root: Path) -> None:
    (root / "0.jpg").write_bytes(picture(1, 0))
    (root / "1.jpg").write_bytes(picture(1, 1))
    library.scan()

    def differ() -> None:
        library.say(picture(1, 0), picture(1, 1), Verdict.DIFFERENT)

    applied = library.apply(library.plan(TIDY_ALL), steps=at(Step.CHECKED, differ))

    assert applied.removed == 0
    assert len(tree(root)) == 2


def test_a_root_that_became_a_reference_loses_nothing(library: LivingLibrary, root: Path) -> None:
    twins(root)
    library.scan()
    plan = library.plan()
    with library.catalog.write() as tx:
        tx.roots.set_reference(tx.roots.all()[0].id, True)

    assert [one.reason for one in library.apply(plan).refused] == ["it lies in a reference root"]


def test_the_same_file_under_another_name_is_no_copy(library: LivingLibrary, root: Path) -> None:
    keeper, victim = twins(root)
    library.scan()
    plan = library.plan()
    keeper.unlink()
    os.link(victim, keeper)

    applied = library.apply(plan)

    assert [one.reason for one in applied.refused] == ["it is the kept copy itself under another name"]
    assert len(tree(root)) == 2


def test_victims_that_are_hard_links_of_each_other_all_go(library: LivingLibrary, root: Path) -> None:
    keeper, victim = twins(root)
    os.link(victim, root / "a copy 2.jpg")
    library.scan()

    applied = library.apply(library.plan())

    assert applied.complete
    assert tree(root) == {keeper.name: picture(1)}


def test_too_large_a_share_of_a_root_stops_everything(library: LivingLibrary, root: Path) -> None:
    twins(root)
    library.scan()
    plan = library.plan()

    with pytest.raises(RemovesTooMuch, match="50 %"):
        library.apply(plan, share=49)

    assert len(tree(root)) == 2
    assert library.apply(plan, share=50).removed == 1


def test_an_unknown_plan_is_wrong_use(library: LivingLibrary) -> None:
    with pytest.raises(UsageError):
        library.apply(7)


def test_of_two_applies_at_once_the_second_is_told_so(library: LivingLibrary) -> None:
    with acting(library.home, library.catalog), pytest.raises(LockHeld) as refused:
        acting(library.home, library.catalog).__enter__()

    assert refused.value.exit_code == 3


def test_a_restored_file_is_not_removed_again_by_the_same_plan(library: LivingLibrary, root: Path) -> None:
    twins(root)
    library.scan()
    plan = library.plan()
    library.apply(plan)
    library.restore_all()

    assert library.apply(plan).removed == 0
    assert len(tree(root)) == 2


def test_what_was_refused_is_tried_again_and_what_was_done_is_not(library: LivingLibrary, root: Path) -> None:
    keeper, _ = twins(root)
    (root / "a copy 2.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan()
    (root / "a copy 2.jpg").rename(root / "hidden")
    assert library.apply(plan).removed == 1
    (root / "hidden").rename(root / "a copy 2.jpg")

    assert library.apply(plan).removed == 1
    assert tree(root) == {keeper.name: picture(1)}


def test_ten_thousand_files_in_one_plan_go_in_batches_that_stop_when_told_and_go_on_later(
    library: LivingLibrary, root: Path
) -> None:
    count = 10_000
    (root / "a.jpg").write_bytes(picture(1))
    for number in range(count):
        (root / f"copy of a {number:05}.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan()
    seen: list[tuple[int, int]] = []
    asked = iter([False, True])

    first = library.apply(plan, progress=lambda *told: seen.append(told), is_stopped=lambda: next(asked))
    assert (first.stopped, first.removed) == (True, 2 * BATCH_BUNDLES)
    assert seen == [(BATCH_BUNDLES, count), (2 * BATCH_BUNDLES, count)]

    before = memory_peak()
    second = library.apply(plan)
    assert second.removed == count - first.removed
    assert tree(root) == {"a.jpg": picture(1)}
    assert memory_peak() - before < 64 << 20

    library.restore_all(progress=lambda *told: seen.append(told))
    assert seen[-1] == (count, count)
    assert len(tree(root)) == count + 1


def memory_peak() -> int:
    """Of this process since it began, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_catalog_knows_of_the_removal_without_a_scan(library: LivingLibrary, root: Path) -> None:
    twins(root)
    library.scan()
    library.apply(library.plan())

    assert library.plan().actions == ()

    library.restore_all()
    assert len(library.plan().removals) == 1


def test_delete_without_quarantine_ends_the_copy_in_the_same_run(library: LivingLibrary, root: Path) -> None:
    twins(root)
    library.scan()

    applied = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "delete"}), quarantine=False))

    assert (applied.removed, applied.purged) == (1, 1)
    assert quarantined(root) == []
    assert tree(root) == {"a.jpg": picture(1)}


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_a_link_takes_the_place_of_the_copy_and_makes_way_again(
    library: LivingLibrary, root: Path, action: str
) -> None:
    keeper, victim = twins(root)
    library.scan()
    before = victim.stat().st_ino

    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": action})))

    assert victim.samefile(keeper)
    assert victim.is_symlink() == (action == "symlink")
    library.restore_all()
    assert victim.lstat().st_ino == before
    assert tree(root) == {"a.jpg": picture(1), "a copy.jpg": picture(1)}


@pytest.mark.parametrize("planned", ["before", "after"])
@pytest.mark.parametrize(
    ("link", "goes"), [("stands", False), ("is gone", True), ("points elsewhere", True), ("is offline", False)]
)
def test_what_a_link_for_a_removed_copy_points_to_stays(
    library: LivingLibrary, root: Path, planned: str, link: str, goes: bool
) -> None:
    linked = library.add_root("linked")
    copy = linked / "a copy.jpg"
    for path in (root / "a.jpg", copy):
        path.write_bytes(picture(1))
    library.scan()
    first = library.plan(EXACT_ONLY.model_copy(update={"keep": ("name",), "action": "symlink"}))
    (root / "0.jpg").write_bytes(picture(1))
    library.scan()
    better = EXACT_ONLY.model_copy(update={"path_priority": ("*/0.jpg",), "paths": ("*/a.jpg",)})
    second = library.plan(better)
    library.apply(first)
    if link in ("is gone", "points elsewhere"):
        copy.unlink()
    if link == "points elsewhere":
        copy.symlink_to(root / "0.jpg")
    if link == "is offline":
        linked.rename(library.base / "away")
        linked.mkdir()

    applied = library.apply(second if planned == "before" else library.plan(better))

    assert applied.removed == goes
    assert (root / "a.jpg").exists() is not goes


def test_where_blocks_cannot_be_shared_a_reflink_costs_nothing(library: LivingLibrary, root: Path) -> None:
    keeper, victim = twins(root)
    library.scan()

    applied = library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "reflink"})))

    # On a filesystem that can, the copy is replaced; on any other it stays.
    assert applied.removed == 1 or "cannot share blocks" in str(applied.refused[0].reason)
    assert victim.read_bytes() == keeper.read_bytes() == picture(1)
    assert not list(root.glob(".dedupctl-*"))


def test_the_trash_says_where_a_file_came_from(
    library: LivingLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(library.base / "data"))
    _, victim = twins(root)
    library.scan()

    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "trash"})))

    trash = library.base / "data/Trash"
    assert (trash / "files/a copy.jpg").read_bytes() == picture(1)
    assert f"Path={root}/a%20copy.jpg\n" in (trash / "info/a copy.jpg.trashinfo").read_text()
    assert library.purge() == []
    library.restore_all()
    assert victim.exists()
    assert list((trash / "info").iterdir()) == []


def test_move_to_keeps_the_folders_and_overwrites_nothing(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "sub").mkdir()
    (root / "sub" / "a.jpg").write_bytes(picture(1))
    target = library.base / "target"
    (target / "sub").mkdir(parents=True)
    (target / "sub" / "a.jpg").write_bytes(b"already here")
    library.scan()

    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": target})))

    assert tree(target) == {"sub/a.jpg": b"already here", "sub/a (2).jpg": picture(1)}


def test_every_refusal_is_in_the_journal(library: LivingLibrary, root: Path) -> None:
    _, victim = twins(root)
    library.scan()
    plan = library.plan()
    victim.unlink()

    library.apply(plan)

    with library.catalog.read() as tx:
        (entry,) = tx.journal.entries()
    assert (entry.state, entry.reason) == (EntryState.FAILED, "No such file or directory")


def test_a_refusal_that_names_a_file_of_any_bytes_is_in_the_journal_and_costs_the_others_nothing(
    library: LivingLibrary, root: Path
) -> None:
    keeper = root / "\udcff.jpg"
    for path, scene in ((keeper, 1), (root / "a copy.jpg", 1), (root / "b.jpg", 2), (root / "b copy.jpg", 2)):
        path.write_bytes(picture(scene))
    library.scan()
    plan = library.plan()
    keeper.unlink()

    applied = library.apply(plan)

    assert applied.removed == 1
    with library.catalog.read() as tx:
        (failed,) = (one.reason for one in tx.journal.entries() if one.state is EntryState.FAILED)
    assert failed == f"the kept copy {keeper}: No such file or directory"


@pytest.mark.parametrize(
    "name",
    [
        b" spaces  .jpg",
        b"new\nline.jpg",
        b"quote'\".jpg",
        b"\xff\xfe not utf-8.jpg",
        b"-rf.jpg",
        b"n" * 251 + b".jpg",
        b"$(x);`y`.jpg",
    ],
)
def test_any_name_goes_and_comes_back(library: LivingLibrary, root: Path, name: bytes) -> None:
    raw = os.fsencode(root) + b"/" + name
    (root / "a.jpg").write_bytes(picture(1))
    with open(raw, "wb") as file:
        file.write(picture(1))
    library.scan()

    applied = library.apply(library.plan(PolicyConfig(kinds=("exact",), path_priority=("*/a.jpg",))))

    assert applied.complete
    assert not os.path.lexists(raw)
    assert all(outcome.done for outcome in library.restore_all())
    assert os.path.lexists(raw)


def test_a_plan_that_keeps_a_copy_in_a_bin_is_refused(library: LivingLibrary, root: Path) -> None:
    """However such a plan came to be: the permission is asked when it is applied."""
    twins(root)
    (root / "#recycle").mkdir()
    (root / "#recycle/a.jpg").write_bytes(picture(1))
    library.scan()
    drafted = draft_plan(library.catalog, "test", EXACT_ONLY, now=library.now)
    action = next(one for one in drafted.removals if one.victim.path == b"a copy.jpg")
    assert action.keeper is not None
    in_bin = replace(action.keeper, path=b"#recycle/a.jpg")

    applied = library.apply(store_plan(library.catalog, replace(drafted, actions=(replace(action, keeper=in_bin),))))

    assert [one.reason for one in applied.refused] == [
        "the kept copy lies in a bin, a snapshot or a cache, which does not keep it"
    ]
    assert (root / "a copy.jpg").exists()
