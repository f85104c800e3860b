"""What one catalog read of pictures serves another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import Fingerprint, PictureFacts
from dedupctl.errors import UsageError
from dedupctl.indexing.encodings import CONTENTS_A_BATCH, export_encodings, import_encodings
from dedupctl.workspace import Workspace

FACTS = PictureFacts("JPEG", 4000, 3000, taken_at="2019-07-14T10:00:00", camera="Known One", exif_tags=40, has_gps=True)


def fingerprint(number: int, *, parts: int = 1, flat: bool = False) -> Fingerprint:
    vectors = np.random.default_rng(number).standard_normal((parts, 128)).astype(np.float32)
    return Fingerprint(
        digest=number.to_bytes(32, "big"),
        size=1000 + number,
        facts=FACTS,
        stream_digest=bytes([number % 256]) * 32,
        flat=flat,
        hashes={"phash": bytes([number % 256]) * 8, "phash8": bytes([number % 256]) * 64},
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        thumbnail=b"thumbnail %d" % number,
    )


def fill(workspace: Workspace, fingerprints: list[Fingerprint]) -> None:
    workspace.thumbs.put({one.digest: one.thumbnail for one in fingerprints})
    with workspace.catalog.write() as tx:
        ids = tx.contents.add(fingerprints)
        tx.embeddings.add(workspace.model_id, {i: one.vectors for i, one in zip(ids, fingerprints, strict=True)})


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "mine", create=True) as workspace:
        yield workspace


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "theirs", create=True) as workspace:
        yield workspace


def test_everything_known_of_a_content_arrives(mine: Workspace, theirs: Workspace) -> None:
    fill(theirs, [fingerprint(1, parts=2), fingerprint(2, flat=True)])

    assert import_encodings(mine, export_encodings(theirs)) == (2, 0)

    assert list(export_encodings(mine)) == list(export_encodings(theirs))
    with mine.catalog.read() as tx:
        first, second = tx.contents.following(0, 10)
        assert (first.facts, first.size, first.stream_digest) == (FACTS, 1001, bytes([1]) * 32)
        assert second.flat
        assert tx.contents.unmatched(10) == [first.id, second.id]
    assert len(mine.open_index().index) == 2  # the parts of the first; flat pictures never enter


def test_what_is_known_stays_as_it_is_and_counts_as_known(mine: Workspace, theirs: Workspace) -> None:
    fill(mine, [fingerprint(1)])
    fill(theirs, [fingerprint(1), fingerprint(2)])

    assert import_encodings(mine, export_encodings(theirs)) == (1, 1)
    assert import_encodings(mine, export_encodings(theirs)) == (0, 2)


def test_many_contents_go_in_batches(mine: Workspace, theirs: Workspace) -> None:
    count = CONTENTS_A_BATCH + 10
    fill(theirs, [fingerprint(number) for number in range(count)])

    assert import_encodings(mine, export_encodings(theirs)) == (count, 0)


def test_a_content_without_a_thumbnail_cannot_be_compared_elsewhere_and_stays_here(theirs: Workspace) -> None:
    fill(theirs, [fingerprint(1)])
    with theirs.catalog.write() as tx:
        ids = tx.contents.add([fingerprint(2)])
        tx.embeddings.add(theirs.model_id, {ids[0]: fingerprint(2).vectors})

    assert len(list(export_encodings(theirs))) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "other"}, "another embedding model"),
        ({"vectors": ["AAAA"]}, "wrong length"),
        ({"hashes": {}}, "wrong length"),
        ({"digest": "AAAA"}, "digest"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_line_is_named_and_what_came_before_stays(
    mine: Workspace, theirs: Workspace, change: dict[str, object], reason: str
) -> None:
    fill(theirs, [fingerprint(1)])
    (line,) = export_encodings(theirs)
    bad = json.dumps(json.loads(line) | change)

    with pytest.raises(UsageError, match=f"line 2 .*{reason}"):
        import_encodings(mine, [line, bad])


def test_what_is_no_json_is_named(mine: Workspace) -> None:
    with pytest.raises(UsageError, match="line 1 is no encoding: it: Invalid JSON"):
        import_encodings(mine, ["not json"])
