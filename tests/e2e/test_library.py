"""`dedupctl.Library`, the door for Python programs, on real files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenery import scene

import dedupctl
from dedupctl import Library
from dedupctl.domain import FileState, Operation, PairKind, Verdict
from dedupctl.errors import DedupctlError, LockHeld, UsageError
from dedupctl.policy.guards import RemovesTooMuch
from dedupctl.report.options import ReportFormat
from dedupctl.workspace import LOCK_NAME, hold

SCENES = 4


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures; of the first an exact copy, a smaller one and, elsewhere, another that is saved again."""
    folder = tmp_path / "photos"
    (folder / "backup").mkdir(parents=True)
    for number in range(SCENES):
        scene(number).save(folder / f"{number}.jpg", quality=92)
    (folder / "backup" / "0.jpg").write_bytes((folder / "0.jpg").read_bytes())
    scene(0).resize((360, 270)).save(folder / "backup" / "0 small.jpg", quality=88)
    scene(0).save(tmp_path / "sent.jpg", quality=60)
    return folder


@pytest.fixture
def library(tmp_path: Path, photos: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home", create=True) as opened:
        opened.scan([photos])
        yield opened


def configured(home: Path, config: str) -> Library:
    """An empty library with this config.toml."""
    home.mkdir()
    (home / "config.toml").write_text(config)
    return Library.open(home, create=True)


def test_importing_the_package_loads_no_heavy_library_before_it_is_needed() -> None:
    code = "import sys, dedupctl; print(sorted(set(sys.modules) & {'numpy', 'sqlalchemy', 'cv2', 'onnxruntime'}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Libary'"):
        _ = dedupctl.Libary


def test_a_home_where_nothing_was_indexed_is_not_opened_unless_it_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is indexed"):
        Library.open(tmp_path / "home")


def test_a_scan_tells_what_it_found_and_how_far_it_is(tmp_path: Path, photos: Path) -> None:
    seen: list[int] = []
    with Library.open(tmp_path / "home", create=True) as library:
        summary = library.scan([photos], progress=lambda progress: seen.append(progress.found))
        assert summary.new == SCENES + 2
        assert seen[-1] == SCENES + 2
        assert library.scan().unchanged == SCENES + 2
        assert [root.path for root in library.roots()] == [os.fsencode(photos)]


def test_a_scan_beside_another_indexer_is_refused(library: Library) -> None:
    with hold(library.home / LOCK_NAME, "indexing into"), pytest.raises(LockHeld):
        library.scan()


def test_clusters_can_be_narrowed_to_a_folder_or_across_its_border(library: Library, photos: Path) -> None:
    (cluster,) = library.clusters()
    assert {member.path for member in cluster.members} == {
        os.fsencode(photos / name) for name in ("0.jpg", "backup/0.jpg", "backup/0 small.jpg")
    }
    assert library.clusters(between=photos / "backup") == [cluster]
    assert library.clusters(within=photos / "backup") == []
    assert library.clusters(min_size=10**9) == []


def test_pairs_and_compare_name_the_files_of_each_pair(library: Library, photos: Path) -> None:
    assert {pair.kind for pair in library.pairs()} == {PairKind.EXACT, PairKind.NEAR}
    across = library.compare(photos / "backup", photos)
    assert {os.path.basename(pair.a.path) for pair in across} == {b"0.jpg", b"0 small.jpg"}


def test_find_names_the_copies_of_a_picture_from_elsewhere(library: Library, tmp_path: Path) -> None:
    matches = library.find(tmp_path / "sent.jpg")
    copies = {os.path.basename(match.file.path) for match in matches if match.kind is not PairKind.SIMILAR}
    assert copies == {b"0.jpg", b"0 small.jpg"}
    (tmp_path / "note.txt").write_text("no picture")
    with pytest.raises(DedupctlError, match="as a picture"):
        library.find(tmp_path / "note.txt")


def test_an_explanation_has_kind_words_and_evidence_and_a_verdict_overrules_it(library: Library, photos: Path) -> None:
    a, b = photos / "0.jpg", photos / "backup" / "0 small.jpg"
    told = library.explain(a, b)
    assert told.kind is PairKind.NEAR
    assert "75%" in told.words
    assert told.evidence.transform is not None
    library.verdict(a, b, Verdict.DIFFERENT)
    assert library.explain(a, b).kind is None
    assert {pair.kind for pair in library.pairs()} == {PairKind.EXACT}


def test_two_files_of_the_same_bytes_leave_nothing_to_decide(library: Library, photos: Path) -> None:
    same = photos / "0.jpg", photos / "backup" / "0.jpg"
    assert library.explain(*same).kind is PairKind.EXACT
    with pytest.raises(UsageError, match="the same bytes"):
        library.verdict(*same, Verdict.SAME)


def test_a_plan_is_applied_and_taken_back(library: Library) -> None:
    plan = library.plan("safe", changes={"kinds": ("exact",)})
    (action,) = plan.removals
    applied = library.apply(plan, max_remove_share=100)
    assert (applied.removed, applied.refused) == (1, [])
    assert not Path(os.fsdecode(action.victim.absolute)).exists()
    assert [entry.action for entry in library.removed(plan)] == [action]
    assert [outcome.done for outcome in library.restore(plan)] == [True]
    assert Path(os.fsdecode(action.victim.absolute)).exists()


def test_what_a_worker_may_not_decode_is_not_removed(tmp_path: Path) -> None:
    """Its pixels are compared again by `apply`, which has the limits of a scan."""
    home, folder = tmp_path / "home", tmp_path / "large"
    folder.mkdir()
    image = Image.new("RGB", (3000, 3000), "red")
    image.paste("blue", (0, 0, 1000, 1500))
    for name in ("a.png", "a copy.bmp"):
        image.save(folder / name)
    with Library.open(home, create=True) as library:
        library.scan([folder])
        plan = library.plan("tidy")
        assert [action.kind for action in plan.removals] == [PairKind.PIXEL]
    (home / "config.toml").write_text("[scan]\nworker_memory_mb = 256\n")
    with Library.open(home) as library:
        (refused,) = library.apply(plan, max_remove_share=100).refused
    assert "its pixels could not be compared" in str(refused.reason)
    (home / "config.toml").unlink()
    with Library.open(home) as library:
        assert library.apply(library.plan("tidy"), max_remove_share=100).removed == 1


def test_a_draft_has_no_number_and_cannot_be_applied(library: Library) -> None:
    draft = library.plan(dry_run=True)
    assert (draft.id, len(draft.removals)) == (0, 1)
    with pytest.raises(UsageError, match="draft"):
        library.apply(draft)


def test_what_is_protected_stays(library: Library, photos: Path) -> None:
    library.protect([photos])
    assert library.plan().removals == ()
    with pytest.raises(UsageError, match="no such file"):
        library.protect([photos / "missing.jpg"])


def test_a_policy_or_change_that_does_not_exist_is_named(library: Library) -> None:
    with pytest.raises(UsageError, match="no policy 'tidi'"):
        library.plan("tidi")
    with pytest.raises(UsageError, match="does not go with the policy"):
        library.plan(changes={"action": "explode"})


def test_a_plan_takes_kinds_action_and_two_folders_from_the_call(library: Library, photos: Path) -> None:
    both = library.plan(kinds=[PairKind.EXACT, PairKind.NEAR], action="trash", dry_run=True)
    assert {action.kind for action in both.removals} == {PairKind.EXACT, PairKind.NEAR}
    assert {action.verb.value for action in both.removals} == {"trash"}
    across = library.plan(kinds=[PairKind.EXACT], across=(photos / "backup", photos), dry_run=True)
    assert [action.victim.absolute for action in across.removals] == [os.fsencode(photos / "0.jpg")]
    with pytest.raises(UsageError, match="--no-quarantine"):
        library.plan(quarantine=False)


def test_an_action_of_the_call_leaves_out_the_folder_that_the_policy_moves_to(tmp_path: Path) -> None:
    with configured(
        tmp_path / "home", f'[policy.moving]\naction = "move-to"\nmove_to = "{tmp_path}/away"\n'
    ) as library:
        assert library.policy("moving").move_to == tmp_path / "away"
        assert library.policy("moving", {"action": "trash"}).move_to is None
        assert library.policy("moving", {"action": "move-to"}).move_to == tmp_path / "away"


def test_a_stored_plan_is_found_by_its_number_and_its_share_is_told_before_it_is_applied(library: Library) -> None:
    plan = library.plan("safe", kinds=[PairKind.EXACT])
    assert library.stored_plan(plan.id) == plan
    assert [summary.id for summary in library.plans()] == [plan.id]
    with pytest.raises(UsageError, match="no plan 99"):
        library.stored_plan(99)
    excess = library.excess(plan, 10)
    assert excess is not None
    assert excess.percent == 17  # one of six
    assert library.excess(plan, 17) is None
    with pytest.raises(RemovesTooMuch, match="nothing was done"):
        library.require_modest_share(plan, 10)


def test_an_apply_tells_how_far_it_is_and_ends_early_when_told_to(library: Library) -> None:
    seen: list[tuple[int, int]] = []
    plan = library.plan("safe", kinds=[PairKind.EXACT])
    applied = library.apply(
        plan, max_remove_share=100, progress=lambda done, total: seen.append((done, total)), is_stopped=lambda: True
    )
    assert applied.stopped
    assert seen[-1] == (1, 1)


def test_one_hold_of_the_lock_serves_several_acts_and_tells_what_was_settled(library: Library) -> None:
    plan = library.plan("safe", kinds=[PairKind.EXACT])
    with library.acting() as acting:
        assert acting.settled == []
        assert acting.apply(plan, max_remove_share=100).removed == 1
        assert acting.adopt_orphans() is None
        with pytest.raises(LockHeld):
            library.restore()
        assert [outcome.done for outcome in acting.restore(library.removed(plan.id))] == [True]


def test_what_was_removed_is_found_by_the_way_it_is_written_through_a_link(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.apply(library.plan("safe", kinds=[PairKind.EXACT]), max_remove_share=100)
    (tmp_path / "link").symlink_to(photos)
    assert len(library.removed(path=tmp_path / "link")) == 1
    assert library.removed(path=tmp_path / "elsewhere") == []


def test_a_purge_ends_what_is_past_its_retention_and_the_journal_keeps_all_of_it(library: Library) -> None:
    plan = library.plan("safe", kinds=[PairKind.EXACT], changes={"retention_days": 0})
    library.apply(plan, max_remove_share=100)
    assert [entry.plan_id for entry in library.purgeable()] == [plan.id]
    assert [outcome.done for outcome in library.purge(plan)] == [True]
    assert library.removed() == []
    assert [entry.operation for entry in library.journal(plan)] == [Operation.PURGE, Operation.REMOVE]
    assert len(library.journal(limit=1)) == 1


def test_a_protection_is_listed_until_it_is_taken_back(library: Library, photos: Path) -> None:
    library.protect([photos / "backup"])
    assert library.protected() == [os.fsencode(photos / "backup")]
    library.unprotect([photos / "backup"])
    assert library.protected() == []
    with pytest.raises(UsageError, match="is not protected"):
        library.unprotect([photos / "backup"])


def test_the_state_names_counts_roots_and_the_index(library: Library, photos: Path) -> None:
    state = library.state()
    assert (state.files[FileState.PRESENT], state.contents, state.unmatched) == (SCENES + 2, SCENES + 1, 0)
    assert state.pairs[PairKind.NEAR] == 1
    assert (state.index.fault, state.index.waiting, state.daemon) == (None, 0, None)
    assert [(root.root.path, root.offline, root.files) for root in library.root_states()] == [
        (os.fsencode(photos), None, SCENES + 2)
    ]
    assert library.totals().pictures == SCENES + 1
    assert (state.quarantine.files, state.errors) == (0, {})
    library.apply(library.plan("safe", kinds=[PairKind.EXACT]), max_remove_share=100)
    assert library.state().quarantine.files == 1
    photos.rename(photos.with_name("elsewhere"))
    (away,) = library.root_states()
    assert away.offline is not None
    assert away.last_visit is not None


def test_a_root_becomes_a_reference_and_is_watched_no_longer(library: Library, photos: Path) -> None:
    assert library.add_root(photos, reference=True).reference
    assert [root.reference for root in library.roots()] == [True]
    library.remove_root(photos)
    assert library.roots() == []
    with pytest.raises(UsageError, match="is not a watched folder"):
        library.remove_root(photos)


def test_a_root_that_was_copied_elsewhere_is_moved_with_what_is_known_of_it(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.verdict(photos / "1.jpg", photos / "2.jpg", Verdict.SAME)
    photos.rename(tmp_path / "elsewhere")
    moved = library.move_root(photos, tmp_path / "elsewhere")
    assert (moved.path, moved.met, moved.others) == (os.fsencode(tmp_path / "elsewhere"), SCENES + 2, 0)
    assert library.explain(tmp_path / "elsewhere" / "1.jpg", tmp_path / "elsewhere" / "2.jpg").kind is PairKind.NEAR
    with pytest.raises(UsageError, match="is not a watched folder"):
        library.move_root(photos, tmp_path / "elsewhere")


def test_a_backup_is_put_back_in_the_place_of_the_catalog(library: Library, photos: Path, tmp_path: Path) -> None:
    library.back_up(tmp_path / "backup.db")
    library.protect([photos])
    home = library.home
    library.close()
    kept = Library.restore_catalog(tmp_path / "backup.db", home)
    assert kept is not None
    assert kept.exists()
    with Library.open(home) as restored:
        assert restored.protected() == []
        assert restored.state().contents == SCENES + 1


def test_the_daemon_is_told_to_rest_and_to_go_on(library: Library) -> None:
    assert library.state().paused_since is None
    library.pause_daemon()
    assert library.state().paused_since is not None
    library.resume_daemon()
    assert library.state().paused_since is None


def test_what_a_scan_could_not_visit_is_told_apart_from_other_messages(library: Library, photos: Path) -> None:
    photos.rename(photos.with_name("elsewhere"))
    messages: list[str] = []
    unvisited: list[str] = []
    library.scan(on_message=messages.append, on_unvisited=unvisited.append)
    assert messages == []
    assert len(unvisited) == 1
    assert "is offline" in unvisited[0]


def test_a_policy_names_the_keepers_of_clusters_and_matches(photos: Path, tmp_path: Path) -> None:
    rules = f'keep = ["path-priority"]\npath_priority = ["{photos}/backup/0 small.jpg"]'
    with configured(tmp_path / "home", f"[policy.backup]\n{rules}\n") as library:
        library.scan([photos])
        (cluster,) = library.clusters(policy="backup")
        assert os.path.basename(cluster.keeper.path) == b"0 small.jpg"
        found = library.clusters_of(library.find(tmp_path / "sent.jpg"), policy="backup")
        assert {one.keeper.path for one in found.values()} == {cluster.keeper.path}
        assert os.path.basename(library.clusters()[0].keeper.path) != b"0 small.jpg"
        with pytest.raises(UsageError, match="no policy"):
            library.clusters(policy="nobody's")


def test_a_pair_is_drawn_unless_both_files_hold_the_same_bytes(library: Library, photos: Path) -> None:
    told = library.explain(photos / "0.jpg", photos / "backup" / "0 small.jpg")
    assert library.draw(told).startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="nothing to draw"):
        library.draw(library.explain(photos / "0.jpg", photos / "backup" / "0.jpg"))


def test_encodings_go_from_one_library_to_another(library: Library, tmp_path: Path) -> None:
    lines = list(library.export_encodings())
    (tmp_path / "library.jsonl").write_text("\n".join([*lines, "no encoding"]))
    with Library.open(tmp_path / "other", create=True) as other:
        taken = other.import_encodings(tmp_path / "library.jsonl")
        assert (taken.new, taken.known, len(taken.refused)) == (SCENES + 1, 0, 1)
        with hold(other.home / LOCK_NAME, "indexing into"), pytest.raises(LockHeld):
            other.import_encodings(tmp_path / "library.jsonl")


def test_a_home_is_checked_and_mended(library: Library) -> None:
    assert Library.check(library.home) == []
    (library.home / "thumbs.db").unlink()
    (fault,) = Library.check(library.home)
    assert (fault.store, fault.mended) == ("thumbs", False)
    assert [one.mended for one in Library.check(library.home, repair=True)] == [True]


def test_a_file_of_the_report_is_readable_by_the_group_where_the_configuration_says_so(
    tmp_path: Path, photos: Path
) -> None:
    with configured(tmp_path / "home", "[home]\ngroup_readable = true\n") as library:
        library.scan([photos])
        library.report(tmp_path / "report.md", form=ReportFormat.MARKDOWN)
        assert library.map_table(tmp_path / "map.csv") == SCENES + 1
    for name in ("report.md", "map.csv"):
        assert (tmp_path / name).stat().st_mode & 0o040


def test_a_report_is_written_whole(library: Library, tmp_path: Path) -> None:
    summary = library.report(tmp_path / "report.json", form=ReportFormat.JSON)
    assert summary.clusters_shown == 1
    assert (tmp_path / "report.json").stat().st_size == summary.size


def test_encodings_are_arrays_of_equal_length_and_make_an_arrow_table(library: Library) -> None:
    encodings = library.encodings()
    assert len(encodings) == SCENES + 1
    assert encodings.vectors.shape == (SCENES + 1, 128)
    np.testing.assert_allclose(np.linalg.norm(encodings.vectors, axis=1), 1, atol=1e-5)
    table = encodings.to_arrow()
    assert table.schema.names == ["content_id", "digest", "path", "phash", "vector"]
    assert table.num_rows == SCENES + 1
    assert table["path"][0].as_py() == os.fsdecode(encodings.paths[0])
