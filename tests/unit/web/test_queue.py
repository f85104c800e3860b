"""The queue is what a look at all clusters would show, in pages that nothing shifts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from rendered_library import RenderedLibrary, drawn
from visitor import wait_until

from dedupctl.domain import PairKind, Verdict
from dedupctl.web.queue import Queue, Snapshot, Wanted


@pytest.fixture
def queue(library: RenderedLibrary) -> Queue:
    """Four exact clusters of 100, 200, 300 and 400 bytes, one near and one similar."""
    other_root = library.add_root(b"/backup")
    for number in range(1, 5):
        content = library.add_content(drawn(number, 32, 24), size=100 * number, taken_at=f"202{number}-01-01T10:00:00")
        library.add_file(b"%d.jpg" % number, content)
        library.add_file(b"%d copy.jpg" % number, content, root_id=other_root if number == 2 else None)
    for number, kind in ((5, PairKind.NEAR), (7, PairKind.SIMILAR)):
        a, b = (library.add_content(drawn(seed, 32, 24), size=50) for seed in (number, number + 1))
        library.add_pair(a, b, kind, 0.9)
        library.add_file(b"%d.jpg" % number, a)
        library.add_file(b"%d b.jpg" % number, b)
    made = Queue(library.catalog)
    made.rebuild()
    return made


def freed(snapshot: Snapshot, wanted: Wanted) -> list[int]:
    return [row.reclaimable_bytes for row in snapshot.choose(wanted)]


def test_it_begins_with_the_largest_saving_and_leaves_out_similar_ones(queue: Queue) -> None:
    assert freed(queue.snapshot, Wanted()) == [400, 300, 200, 100, 50]
    assert len(queue.snapshot.rows) == 6


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(kinds=frozenset({PairKind.NEAR})), [50]),
        (Wanted(kinds=frozenset({PairKind.SIMILAR})), [0]),
        (Wanted(root=2), [200]),
        (Wanted(min_bytes=300), [400, 300]),
        (Wanted(since="2022-01-01", until="2023-01-01"), [300, 200]),
        (Wanted(since="2030-01-01"), []),
    ],
)
def test_filters_leave_what_fits(queue: Queue, wanted: Wanted, expected: list[int]) -> None:
    assert freed(queue.snapshot, wanted) == expected


def test_pages_meet_without_gap_or_overlap_even_if_a_cluster_vanishes_between_them(queue: Queue) -> None:
    first = queue.snapshot.page(Wanted(), None, 2)
    later = queue.snapshot.with_clusters(first[1].contents, [])
    assert [row.reclaimable_bytes for row in later.page(Wanted(), first[-1].key, 2)] == [200, 100]
    assert later.page(Wanted(), (0, True, 10**9), 2) == []


def test_a_cluster_knows_its_neighbours_also_when_it_is_gone(queue: Queue) -> None:
    row = queue.snapshot.choose(Wanted())[2]
    for snapshot in (queue.snapshot, queue.snapshot.with_clusters(row.contents, [])):
        before, previous, following = snapshot.position(Wanted(), row.key)
        assert before == 2
        assert previous is not None
        assert following is not None
        assert (previous.reclaimable_bytes, following.reclaimable_bytes) == (300, 100)


def test_refreshing_what_a_verdict_touches_gives_what_a_rebuild_gives(queue: Queue, library: RenderedLibrary) -> None:
    near = next(row for row in queue.snapshot.rows if row.kind is PairKind.NEAR)
    similar = next(row for row in queue.snapshot.rows if row.similar)
    with library.catalog.write() as tx:
        digests = {
            number: content.digest for number, content in tx.contents.get(near.contents | similar.contents).items()
        }
        tx.verdicts.put(*(digests[number] for number in near.contents), Verdict.DIFFERENT, 1)
        tx.verdicts.put(*(digests[number] for number in similar.contents), Verdict.SAME, 1)
    queue.refresh([min(near.contents)])
    queue.refresh([max(similar.contents)])
    refreshed = queue.snapshot
    queue.rebuild()
    assert refreshed.rows == queue.snapshot.rows
    assert [row.kind for row in refreshed.rows if row.contents & (near.contents | similar.contents)] == [PairKind.NEAR]


def test_refreshing_where_nothing_has_changed_loses_no_row(library: RenderedLibrary) -> None:
    """Other shots tie clusters of duplicates to each other; those must not vanish with the group of shots."""
    contents = [library.add_content(drawn(seed, 32, 24), size=100 + seed) for seed in range(1, 7)]
    for number, content in enumerate(contents):
        for copy in range(2):
            library.add_file(b"%d %d.jpg" % (number, copy), content)
    for one, other in pairwise(contents[:4]):
        library.add_pair(one, other, PairKind.SIMILAR, 0.8)
    library.add_pair(contents[4], contents[5], PairKind.NEAR, 0.9)
    queue = Queue(library.catalog)
    queue.rebuild()
    before = queue.snapshot.rows
    assert len(before) == 7
    for content in contents:
        queue.refresh([content])
        assert queue.snapshot.rows == before


def test_what_a_vanished_pair_leaves_behind_is_read_again(library: RenderedLibrary) -> None:
    """A row of before may hold contents that nothing ties to the refreshed one any more."""
    a, b, c = (library.add_content(drawn(seed, 32, 24), size=100 + seed) for seed in (1, 2, 3))
    for number, content in enumerate((a, b, c)):
        for copy in range(2):
            library.add_file(b"%d %d.jpg" % (number, copy), content)
    library.add_pair(a, b, PairKind.NEAR, 0.9)
    queue = Queue(library.catalog)
    queue.rebuild()
    library.add_pair(a, b, None, 0.0)
    library.add_pair(b, c, PairKind.NEAR, 0.9)
    queue.refresh([c])
    refreshed = queue.snapshot.rows
    queue.rebuild()
    assert refreshed == queue.snapshot.rows
    assert len(refreshed) == 2


def test_the_filter_exact_finds_exact_copies_in_clusters_of_weaker_kinds(library: RenderedLibrary) -> None:
    a, b = (library.add_content(drawn(seed, 32, 24), size=100) for seed in (1, 2))
    for name, content in ((b"a.jpg", a), (b"a copy.jpg", a), (b"b.jpg", b)):
        library.add_file(name, content)
    library.add_pair(a, b, PairKind.NEAR, 0.9)
    queue = Queue(library.catalog)
    queue.rebuild()
    for kind, rows in ((PairKind.EXACT, 1), (PairKind.NEAR, 1), (PairKind.PIXEL, 0)):
        assert len(queue.snapshot.choose(Wanted(kinds=frozenset({kind})))) == rows


def test_it_follows_what_others_write(library: RenderedLibrary) -> None:
    queue = Queue(library.catalog)
    queue.start()
    try:
        wait_until(lambda: queue.snapshot.version > 0)
        assert queue.snapshot.rows == ()
        content = library.add_content(drawn(1, 32, 24))
        library.add_file(b"a.jpg", content)
        library.add_file(b"b.jpg", content)
        wait_until(lambda: len(queue.snapshot.rows) == 1)
    finally:
        queue.stop()
