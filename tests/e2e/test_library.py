"""`dedupctl.Library`, the door for Python programs, on real files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scenery import scene

import dedupctl
from dedupctl import Library
from dedupctl.domain import PairKind, Verdict
from dedupctl.errors import DedupctlError, LockHeld, UsageError
from dedupctl.report.writing import ReportFormat
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
