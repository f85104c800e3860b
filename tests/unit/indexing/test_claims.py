"""Forged encodings: what somebody else's file says of a picture never leads to the removal of one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from scenery import jpeg, scene

from dedupctl.config import Config, PolicyConfig
from dedupctl.domain import PairKind, Plan
from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read
from dedupctl.indexing.check import find_faults
from dedupctl.indexing.encodings import export_encodings, import_encodings
from dedupctl.indexing.pipeline import Listeners, Pipeline
from dedupctl.indexing.roots import add_root, scan_targets
from dedupctl.indexing.visit import scan_library
from dedupctl.indexing.workers import Workers
from dedupctl.policy.plan import make_plan
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.outcome import Progress, unwatched
from dedupctl.workspace import Workspace

ALL_KINDS = PolicyConfig(kinds=("exact", "pixel", "near"), max_remove_share=100)
SINGLE = "[scan]\nworkers = 1\n"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two quite different photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, seed in (("a.jpg", 1), ("b.jpg", 2)):
        (folder / name).write_bytes(jpeg(scene(seed)))
    return folder


@pytest.fixture
def honest(tmp_path: Path, photos: Path) -> dict[str, dict[str, Any]]:
    """What is true of each photo, as a line of an export."""
    reader = Fingerprinter(Config())
    read = {name: reader.read(os.fsencode(photos / name)) for name in ("a.jpg", "b.jpg")}
    with Workspace.open(tmp_path / "theirs", create=True) as theirs:
        prints = [one.fingerprint for one in read.values() if isinstance(one, Read) and one.fingerprint]
        theirs.thumbs.put({one.digest: one.thumbnail for one in prints})
        with theirs.catalog.write() as tx:
            ids = tx.contents.add(prints)
            tx.embeddings.add(theirs.model_id, {i: one.vectors for i, one in zip(ids, prints, strict=True)})
        return dict(zip(read, map(json.loads, export_encodings(theirs)), strict=True))


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.toml").write_text(SINGLE)
    with Workspace.open(tmp_path / "mine", create=True) as workspace:
        yield workspace


def scan(workspace: Workspace, photos: Path) -> None:
    wanted = scan_targets(workspace.catalog, [os.fsencode(photos)])
    scan_library(workspace, wanted, Listeners(), lambda _root, _reason: None, lambda _message: None)


def forge(mine: Workspace, honest: dict[str, dict[str, Any]], *borrowed: str) -> None:
    """Take in both photos, the second with what is said of the first."""
    one, other = honest.values()
    lie = other | {name: one[name] for name in borrowed}
    assert import_encodings(mine, [json.dumps(one), json.dumps(lie)]).new == 2


def apply(mine: Workspace, plan: Plan, progress: Progress = unwatched) -> Applied:
    with closing(Workers(mine.config, mine.catalog.path)) as workers:
        judge = workers.same_pixels
        return apply_plan(mine.catalog, plan.id, max_remove_share=100, same_pixels=judge, progress=progress)


def kinds(mine: Workspace) -> set[PairKind]:
    with mine.catalog.read() as tx:
        return set(tx.pairs.count_by_kind())


def test_what_was_forged_gives_way_to_what_is_in_the_files(
    mine: Workspace, honest: dict[str, dict[str, Any]], photos: Path
) -> None:
    forge(mine, honest, "stream_digest", "hashes")

    scan(mine, photos)

    assert kinds(mine) <= {PairKind.SIMILAR}
    with mine.catalog.read() as tx:
        first, second = tx.contents.following(0, 10)
        assert tx.imported.among([first.id, second.id]) == set()
        assert first.stream_digest != second.stream_digest
        assert tx.contents.count_unmatched() == 0
    assert find_faults(mine) == []
    assert mine.thumbs.get([first.digest])[first.digest] != mine.thumbs.get([second.digest])[second.digest]
    assert make_plan(mine.catalog, "test", ALL_KINDS, now=1).actions == ()


def test_pictures_that_are_nobodys_copy_are_not_read(
    mine: Workspace, honest: dict[str, dict[str, Any]], photos: Path
) -> None:
    forge(mine, honest)

    scan(mine, photos)

    with mine.catalog.read() as tx:
        assert len(tx.imported.among([one.id for one in tx.contents.following(0, 10)])) == 2


def test_a_forged_thumbnail_makes_no_copy_because_the_files_are_looked_at(
    mine: Workspace, honest: dict[str, dict[str, Any]], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "_claims", lambda _: [])
    forge(mine, honest, "thumbnail", "vectors", "hashes")

    scan(mine, photos)

    assert kinds(mine) <= {PairKind.SIMILAR}


def test_a_pair_that_rests_on_a_claim_removes_nothing(
    mine: Workspace, honest: dict[str, dict[str, Any]], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the comparison and the reading."""
    monkeypatch.setattr(Pipeline, "_claims", lambda _: [])
    forge(mine, honest, "stream_digest", "hashes")
    scan(mine, photos)
    assert kinds(mine) & {PairKind.PIXEL, PairKind.NEAR}, "the forgery works as far as this"

    plan = make_plan(mine.catalog, "test", ALL_KINDS, now=1)

    (action,) = plan.actions
    assert action.skipped == "one of the two is known only from an import; the next `dedupctl scan` reads it"
    assert apply(mine, plan).removed == 0
    assert sorted(path.name for path in photos.glob("*.jpg")) == ["a.jpg", "b.jpg"]


def test_a_claim_that_is_taken_back_after_the_plan_removes_nothing(
    mine: Workspace, honest: dict[str, dict[str, Any]], photos: Path
) -> None:
    """A catalog from before imports were marked holds a false `pixel` pair of two contents it takes for read."""
    forge(mine, honest, "stream_digest", "hashes")
    with mine.catalog.write() as tx:
        tx.contents._connection.exec_driver_sql("DELETE FROM imported_contents")
    scan(mine, photos)
    assert kinds(mine) == {PairKind.PIXEL}
    plan = make_plan(mine.catalog, "test", ALL_KINDS, now=1)

    applied = apply(mine, plan)

    assert [outcome.reason for outcome in applied.refused] == ["it does not show the same pixels as the kept copy"]
    assert sorted(path.name for path in photos.glob("*.jpg")) == ["a.jpg", "b.jpg"]


def test_true_copies_go_as_before(mine: Workspace, photos: Path) -> None:
    data = (photos / "a.jpg").read_bytes()
    (photos / "a with a comment.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])
    add_root(mine.catalog, os.fsencode(photos))
    scan(mine, photos)
    assert PairKind.PIXEL in kinds(mine)

    applied = apply(mine, make_plan(mine.catalog, "test", ALL_KINDS, now=1))

    assert (applied.removed, applied.refused) == (1, [])


def test_the_watchdog_hears_of_every_comparison(mine: Workspace, photos: Path) -> None:
    data = (photos / "a.jpg").read_bytes()
    for number in range(3):
        comment = b"\xff\xfe\x00\x07hell%d" % number
        (photos / f"copy {number}.jpg").write_bytes(data[:2] + comment + data[2:])
    add_root(mine.catalog, os.fsencode(photos))
    scan(mine, photos)
    plan = make_plan(mine.catalog, "test", ALL_KINDS, now=1)
    heard: list[tuple[int, int]] = []

    apply(mine, plan, lambda done, total: heard.append((done, total)))

    assert heard == [(0, 3), (0, 3), (0, 3), (3, 3)]
