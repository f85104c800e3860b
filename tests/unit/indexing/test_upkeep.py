"""A change of settings is carried into the catalog without opening an original."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import Closer, Evidence, Fingerprint, FloatArray, Pair, PairKind, PictureFacts
from dedupctl.indexing import upkeep
from dedupctl.indexing.pipeline import Pipeline
from dedupctl.indexing.pool import Batch
from dedupctl.indexing.upkeep import Upkeep, keep_up
from dedupctl.matching.score import thresholds_of
from dedupctl.workspace import Workspace

FORMER = Evidence(method="orb", cosine=0.7, inliers=6, agreement=0.2)
OTHER_VECTOR = np.eye(1, 128, 5, dtype=np.float32)


class OtherModel:
    """Stands for the workers: every thumbnail gets the same vector, or each one of its own."""

    count = 1

    def __init__(self, *, tells_apart: bool = False) -> None:
        self.seen: list[bytes] = []
        self._tells_apart = tells_apart

    def embed(self, thumbnails: list[bytes]) -> Future[Batch]:
        self.seen += thumbnails
        answer: Future[Batch] = Future()
        answer.set_result(Batch([self._vector_of(thumbnail) for thumbnail in thumbnails], 0.0))
        return answer

    def _vector_of(self, thumbnail: bytes) -> FloatArray:
        return np.eye(1, 128, thumbnail[-1], dtype=np.float32) if self._tells_apart else OTHER_VECTOR


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def contents(home: Path) -> list[int]:
    """Two contents of the catalog, embedded and matched, with a pair that was judged `similar`."""
    prints = [
        Fingerprint(
            digest=bytes([number]) * 32,
            size=10,
            facts=PictureFacts("JPEG", 100, 100),
            stream_digest=None,
            flat=False,
            hashes={"phash": bytes(8), "phash8": bytes(64)},
            vectors=np.eye(1, 128, number, dtype=np.float32),
            thumbnail=b"thumbnail %d" % number,
        )
        for number in range(2)
    ]
    with Workspace.open(home, create=True) as workspace:
        keep_up(workspace, OtherModel(), _unheard, lambda: False)
        with workspace.catalog.write() as tx:
            ids = tx.contents.add(prints)
            tx.embeddings.add(workspace.model_id, {i: one.vectors for i, one in zip(ids, prints, strict=True)})
            tx.contents.mark_matched(ids, at=1)
            tx.pairs.put([Pair(ids[0], ids[1], PairKind.SIMILAR, 0.7, FORMER)])
        workspace.thumbs.put({one.digest: one.thumbnail for one in prints})
    return ids


def _unheard(_: str) -> None:
    pass


def configure(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text)


@pytest.mark.usefixtures("contents")
def test_with_nothing_changed_nothing_is_done(home: Path) -> None:
    said: list[str] = []
    workers = OtherModel()
    with Workspace.open(home) as workspace:
        keep_up(workspace, workers, said.append, lambda: False)
        with workspace.catalog.read() as tx:
            assert tx.contents.count_unmatched() == 0
    assert (said, workers.seen) == ([], [])


def test_another_model_embeds_every_content_from_its_thumbnail(home: Path, contents: list[int]) -> None:
    configure(home, "[model]\ninput_size = 96\n")
    workers = OtherModel()
    with Workspace.open(home) as workspace:
        keep_up(workspace, workers, _unheard, lambda: False)
        with workspace.catalog.read() as tx:
            assert tx.embeddings.count(workspace.model_id) == len(contents)
        assert len(workspace.open_index().index) == len(contents)
    assert sorted(workers.seen) == [b"thumbnail 0", b"thumbnail 1"]


def test_until_the_last_picture_has_its_vector_the_former_model_is_in_use(
    home: Path, contents: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PICTURES_A_BATCH", 1)
    with Workspace.open(home) as workspace:
        former = workspace.model_id
    configure(home, "[model]\ninput_size = 96\n")
    with Workspace.open(home) as workspace:
        index = workspace.open_index().index
        pipeline = Pipeline(workspace, index, OtherModel())
        work = Upkeep(workspace, OtherModel(), _unheard)
        pipeline.embed_missing(work)
        with workspace.catalog.read() as tx:
            assert (work.left, len(index), tx.embeddings.count_missing(workspace.model_id)) == (1, 1, 1)
            assert tx.contents.count_unmatched() == 0
        assert workspace.model_in_use() == former
        pipeline.embed_missing(work)
        with workspace.catalog.read() as tx:
            assert (work.left, len(index), tx.embeddings.count_missing(workspace.model_id)) == (0, len(contents), 0)
        assert workspace.model_in_use() == workspace.model_id


def test_stored_evidence_gets_the_cosine_of_another_model_and_is_judged_by_it(home: Path, contents: list[int]) -> None:
    configure(home, "[model]\ninput_size = 96\n")
    said: list[str] = []
    with Workspace.open(home) as workspace:
        keep_up(workspace, OtherModel(tells_apart=True), said.append, lambda: False)
        with workspace.catalog.read() as tx:
            pair = tx.pairs.between(*contents)
    assert pair == Pair(*contents, None, 0.0, replace(FORMER, cosine=0.0))
    assert "the model changed: 1 pairs were judged differently by its vectors" in said


def test_evidence_of_a_picture_without_a_vector_keeps_its_cosine(home: Path, contents: list[int]) -> None:
    (home / "thumbs.db").unlink()
    configure(home, "[model]\ninput_size = 96\n")
    with Workspace.open(home) as workspace:
        keep_up(workspace, OtherModel(), _unheard, lambda: False)
        with workspace.catalog.read() as tx:
            assert tx.pairs.between(*contents) == Pair(*contents, PairKind.SIMILAR, 0.7, FORMER)


def test_a_picture_without_a_thumbnail_holds_nobody_up(home: Path, contents: list[int]) -> None:
    (home / "thumbs.db").unlink()
    configure(home, "[model]\ninput_size = 96\n")
    with Workspace.open(home) as workspace:
        keep_up(workspace, OtherModel(), _unheard, lambda: False)
        with workspace.catalog.read() as tx:
            assert tx.embeddings.count_missing(workspace.model_id) == len(contents)
            assert tx.contents.count_unmatched() == len(contents)


def test_flat_pictures_get_vectors_that_no_index_takes(home: Path) -> None:
    flat = Fingerprint(
        digest=bytes(32),
        size=10,
        facts=PictureFacts("JPEG", 100, 100),
        stream_digest=None,
        flat=True,
        hashes={"phash": bytes(8), "phash8": bytes(64)},
        vectors=OTHER_VECTOR,
        thumbnail=b"white",
    )
    with Workspace.open(home, create=True) as workspace:
        with workspace.catalog.write() as tx:
            tx.contents.add([flat])
        workspace.thumbs.put({flat.digest: flat.thumbnail})
        labels, vectors = Upkeep(workspace, OtherModel(), _unheard).embed_portion()
        with workspace.catalog.read() as tx:
            assert tx.embeddings.count_missing(workspace.model_id) == 0
    assert (len(labels), vectors.shape) == (0, (0, 128))


def test_a_wider_net_compares_everything_again_and_keeps_what_was_judged(home: Path, contents: list[int]) -> None:
    configure(home, "[model]\npropose_cosine = 0.4\n")
    with Workspace.open(home) as workspace:
        keep_up(workspace, OtherModel(), _unheard, lambda: False)
        with workspace.catalog.read() as tx:
            assert tx.contents.count_unmatched() == len(contents)
            assert tx.pairs.between(*contents) is not None


def test_other_thresholds_judge_the_stored_evidence_again(home: Path, contents: list[int]) -> None:
    configure(home, "[model]\nsimilar_cosine = 0.8\n")
    said: list[str] = []
    with Workspace.open(home) as workspace:
        keep_up(workspace, OtherModel(), said.append, lambda: False)
        with workspace.catalog.read() as tx:
            pair = tx.pairs.between(*contents)
    assert pair is not None
    assert pair.kind is None
    assert said == ["the thresholds changed: 1 pairs were judged differently by their stored evidence"]


AGREES = replace(
    FORMER, agreement=1.0, agreement_elsewhere=1.0, replaced=0.0, shading=1.0, covered_a=1.0, covered_b=1.0
)


def judged_by_former_rules(home: Path, contents: list[int], evidence: Evidence) -> None:
    with Workspace.open(home) as workspace, workspace.catalog.write() as tx:
        tx.pairs.put([Pair(*contents, PairKind.NEAR, 1.0, evidence)])
        former = thresholds_of(workspace.config).model_dump()
        tx.meta.put(upkeep.JUDGED_WITH, json.dumps(former))


def test_a_copy_that_was_never_looked_at_closely_is_proven_again(home: Path, contents: list[int]) -> None:
    judged_by_former_rules(home, contents, AGREES)
    said: list[str] = []
    with Workspace.open(home) as workspace:
        assert Upkeep(workspace, OtherModel(), said.append).finish()
        with workspace.catalog.read() as tx:
            assert tx.pairs.between(*contents) is None
            assert tx.contents.unmatched(10) == [max(contents)]
    assert said == ["the rules changed: 1 pairs must be verified again from their files"]


def test_what_was_refused_already_needs_no_closer_look(home: Path, contents: list[int]) -> None:
    judged_by_former_rules(home, contents, replace(AGREES, agreement=0.2))
    with Workspace.open(home) as workspace:
        assert not Upkeep(workspace, OtherModel(), _unheard).finish()
        with workspace.catalog.read() as tx:
            pair = tx.pairs.between(*contents)
            assert pair is not None
            assert pair.kind is PairKind.SIMILAR


def test_evidence_that_suffices_is_judged_by_the_rules_of_today(home: Path, contents: list[int]) -> None:
    judged_by_former_rules(home, contents, replace(AGREES, closer=Closer(windows=300, moments="times")))
    with Workspace.open(home) as workspace:
        assert not Upkeep(workspace, OtherModel(), _unheard).finish()
        with workspace.catalog.read() as tx:
            pair = tx.pairs.between(*contents)
            assert pair is not None
            assert pair.kind is PairKind.SIMILAR


def test_a_stopped_embedding_goes_on_at_the_next_start(home: Path, contents: list[int]) -> None:
    configure(home, "[model]\ninput_size = 96\n")
    workers = OtherModel()
    with Workspace.open(home) as workspace:
        keep_up(workspace, workers, _unheard, lambda: True)
        assert workers.seen == []
        keep_up(workspace, workers, _unheard, lambda: False)
    assert len(workers.seen) == len(contents)
