"""The clusters around a few contents are the very clusters that a look at everything finds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered_library import RenderedLibrary, drawn

from dedupctl.domain import PairKind, Verdict
from dedupctl.matching.clusters import find_clusters


@pytest.fixture
def library(tmp_path: Path) -> Iterator[RenderedLibrary]:
    made = RenderedLibrary(tmp_path)
    yield made
    made.close()


def test_they_are_those_of_the_whole_library(library: RenderedLibrary) -> None:
    ids = [library.add_content(drawn(seed, 32, 24)) for seed in range(9)]
    for number, content_id in enumerate(ids):
        library.add_file(b"%d.jpg" % number, content_id)
    library.add_file(b"8 again.jpg", ids[8])
    chain, shots = ids[:4], ids[4:6]
    for a, b in itertools.pairwise(chain):
        library.add_pair(a, b, PairKind.NEAR, 0.9)
    library.add_pair(*shots, PairKind.SIMILAR, 0.7)
    with library.catalog.read() as tx:
        digests = {content_id: content.digest for content_id, content in tx.contents.get(ids).items()}
    with library.catalog.write() as tx:
        tx.verdicts.put(digests[chain[2]], digests[chain[3]], Verdict.DIFFERENT, 1)
        tx.verdicts.put(digests[ids[6]], digests[ids[7]], Verdict.SAME, 1)

    with library.catalog.read() as tx:
        whole = find_clusters(tx)
        assert [cluster for cluster in whole if chain[0] <= cluster.id <= chain[3]] == find_clusters(
            tx, around=chain[1:2]
        )
        assert find_clusters(tx, around=ids) == whole
        assert {cluster.id for cluster in find_clusters(tx, around=[ids[7]])} == {ids[6]}
        assert {cluster.id for cluster in find_clusters(tx, around=[ids[8]])} == {ids[8]}
        assert find_clusters(tx, around=[ids[4]]) == []
        assert len(find_clusters(tx, kinds=(PairKind.SIMILAR,), around=[ids[4]])) == 1
