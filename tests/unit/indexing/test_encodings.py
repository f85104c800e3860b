"""What one catalog read of pictures serves another."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dedupctl.domain import Fingerprint, PictureFacts
from dedupctl.indexing.check import find_faults
from dedupctl.indexing.encoding import MOST_LINE_BYTES
from dedupctl.indexing.encodings import (
    CONTENTS_A_BATCH,
    ImportSummary,
    RefusedLines,
    export_encodings,
    import_encodings,
    lines_of,
)
from dedupctl.workspace import Workspace

FACTS = PictureFacts("JPEG", 4000, 3000, taken_at="2019-07-14T10:00:00", camera="Known One", exif_tags=40, has_gps=True)


def thumbnail(grey: int, side: int = 32) -> bytes:
    packed = io.BytesIO()
    Image.new("L", (side, side), grey).save(packed, "JPEG")
    return packed.getvalue()


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
        thumbnail=thumbnail(number % 250),
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

    assert import_encodings(mine, export_encodings(theirs)) == ImportSummary(2, 0)

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

    assert import_encodings(mine, export_encodings(theirs)) == ImportSummary(1, 1)
    assert import_encodings(mine, export_encodings(theirs)) == ImportSummary(0, 2)


def test_many_contents_go_in_batches(mine: Workspace, theirs: Workspace) -> None:
    count = CONTENTS_A_BATCH + 10
    fill(theirs, [fingerprint(number) for number in range(count)])

    assert import_encodings(mine, export_encodings(theirs)) == ImportSummary(count, 0)


def test_a_content_without_a_thumbnail_cannot_be_compared_elsewhere_and_stays_here(theirs: Workspace) -> None:
    fill(theirs, [fingerprint(1)])
    with theirs.catalog.write() as tx:
        ids = tx.contents.add([fingerprint(2)])
        tx.embeddings.add(theirs.model_id, {ids[0]: fingerprint(2).vectors})

    assert len(list(export_encodings(theirs))) == 1


def test_what_was_read_here_keeps_its_thumbnail(mine: Workspace, theirs: Workspace) -> None:
    fill(mine, [fingerprint(1)])
    fill(theirs, [fingerprint(1)])
    theirs.thumbs.put({fingerprint(1).digest: thumbnail(99)})

    import_encodings(mine, export_encodings(theirs))

    assert mine.thumbs.get([fingerprint(1).digest]) == {fingerprint(1).digest: fingerprint(1).thumbnail}


def test_what_is_taken_in_is_marked_as_imported(mine: Workspace, theirs: Workspace) -> None:
    fill(mine, [fingerprint(1)])
    fill(theirs, [fingerprint(1), fingerprint(2)])

    import_encodings(mine, export_encodings(theirs))

    with mine.catalog.read() as tx:
        read, claimed = tx.contents.following(0, 10)
        assert tx.imported.among([read.id, claimed.id]) == {claimed.id}


def packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def vectors(*rows: object) -> dict[str, object]:
    return {"vectors": [packed(np.asarray(row, "<f2").tobytes()) for row in rows]}


AXIS = np.eye(1, 128)[0]
BAD = [
    ({"model": "other"}, "another embedding model"),
    ({"vectors": ["AAAA"]}, "vectors: each has 256 bytes"),
    ({"vectors": []}, "vectors: .*at least 1 item"),
    (vectors(*[AXIS] * 5), "vectors: .*at most 4 items"),
    (vectors(np.full(128, np.nan)), "vectors: each has the length 1"),
    (vectors(np.full(128, np.inf)), "vectors: each has the length 1"),
    (vectors(AXIS, AXIS * 0), "vectors: each has the length 1"),
    (vectors(AXIS * 2), "vectors: each has the length 1"),
    ({"hashes": {}}, "hashes: phash has 8 bytes"),
    ({"hashes": {"phash": "", "phash8": packed(bytes(64))}}, "hashes.phash: .*at least 1 byte"),
    ({"hashes": {"phash": packed(b"8 bytes!"), "phash8": packed(bytes(64))}}, "hashes: phash has 8 bytes"),
    ({"digest": "AAAA"}, "digest: .*at least 32 bytes"),
    ({"digest": "not base 64!"}, "digest: .*base64"),
    ({"stream_digest": "AAAA"}, "stream_digest: .*at least 32 bytes"),
    ({"size": 2**63}, "size: .*less than 9223372036854775808"),
    ({"size": 10**40}, "size"),
    ({"size": -1}, "size: .*greater than or equal to 0"),
    ({"size": "1000"}, "size: .*valid integer"),
    ({"flat": 1}, "flat: .*valid boolean"),
    ({"facts": 7}, "facts"),
    ({"thumbnail": packed(b"no picture")}, "thumbnail: cannot identify"),
    ({"thumbnail": packed(thumbnail(1)[:-300])}, "thumbnail: "),
    ({"thumbnail": packed(thumbnail(1, side=321))}, "thumbnail: it has 321 x 321 pixels"),
    ({"thumbnail": packed(bytes(300_000))}, "thumbnail: it has more than 262,144 bytes"),
    ({"surprise": 1}, "surprise: Extra inputs"),
    ({"\x1b[2J": 1}, r"\\u001b\[2J: Extra inputs"),
]
BAD_FACTS = [
    ({"width": 0}, "facts.width"),
    ({"width": 2**31}, "facts.width"),
    ({"height": "many"}, "facts.height"),
    ({"orientation": 9}, "facts.orientation"),
    ({"exif_tags": 2**63}, "facts.exif_tags"),
    ({"camera": 5}, "facts.camera"),
    ({"has_gps": "yes"}, "facts.has_gps"),
]


@pytest.mark.parametrize(("change", "reason"), [*BAD, *BAD_FACTS])
def test_a_bad_line_is_named_and_the_others_are_taken(
    mine: Workspace, theirs: Workspace, change: dict[str, object], reason: str
) -> None:
    fill(theirs, [fingerprint(1), fingerprint(2), fingerprint(3)])
    first, second, third = export_encodings(theirs)
    honest = json.loads(second)
    is_of_facts = (change, reason) in BAD_FACTS
    lie = honest | ({"facts": honest["facts"] | change} if is_of_facts else change)

    summary = import_encodings(mine, [first, json.dumps(lie), third])

    assert (summary.new, summary.known) == (2, 0)
    (refused,) = summary.refused
    assert (refused.first, refused.last) == (2, 2)
    assert re.search(reason, refused.reason)
    mine.save_index(mine.open_index().index)
    assert find_faults(mine) == []


def test_what_is_no_json_is_named(mine: Workspace, theirs: Workspace) -> None:
    fill(theirs, [fingerprint(1)])
    (line,) = export_encodings(theirs)

    summary = import_encodings(mine, ["not json", "", line[:-40], b"\xff\xfe", "[]", "null"])

    assert summary.new == 0
    assert [refused.first for refused in summary.refused] == [1, 3, 4, 5]
    assert summary.refused[0].reason.startswith("Invalid JSON: ")
    assert summary.refused[1].reason.startswith("Invalid JSON: EOF")


def test_a_whole_file_of_another_model_is_one_message(mine: Workspace, theirs: Workspace) -> None:
    fill(theirs, [fingerprint(number) for number in range(5)])
    lines = [json.dumps(json.loads(line) | {"model": "other"}) for line in export_encodings(theirs)]

    assert import_encodings(mine, lines) == ImportSummary(
        0, 0, [RefusedLines(1, 5, "it was made by another embedding model; its vectors mean nothing here")]
    )


def test_one_content_said_twice_is_taken_once(mine: Workspace, theirs: Workspace) -> None:
    fill(theirs, [fingerprint(1)])
    (line,) = export_encodings(theirs)

    assert import_encodings(mine, [line, line]) == ImportSummary(1, 1)


def test_of_an_endless_line_only_a_beginning_is_read(mine: Workspace) -> None:
    endless = io.BytesIO(b"x" * (5 * MOST_LINE_BYTES) + b"\r\nshort\nlast")

    lines = list(lines_of(endless))

    assert (len(lines[0]), lines[1:]) == (MOST_LINE_BYTES + 2, [b"short", b"last"])
    (too_long, _) = import_encodings(mine, lines).refused
    assert too_long == RefusedLines(1, 1, "it is longer than 1,048,576 bytes")
