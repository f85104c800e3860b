from __future__ import annotations

from rendered_library import RenderedLibrary, drawn

from dedupctl.domain import PairKind
from dedupctl.report.changes import remember_report
from dedupctl.report.report_facts import gather_facts


def with_copies(library: RenderedLibrary) -> tuple[int, int]:
    """An exact pair of 100 kB files, of which a third, a 30 kB edit, is `near`."""
    original, edit = library.add_content(drawn(1)), library.add_content(drawn(2), size=30_000, scale=2)
    library.add_file(b"a.jpg", original)
    library.add_file(b"b.jpg", original)
    library.add_file(b"edit.jpg", edit)
    library.add_pair(original, edit, PairKind.NEAR, 0.9)
    return original, edit


def test_space_to_free_adds_up_over_kinds_and_roots(library: RenderedLibrary) -> None:
    original, _ = with_copies(library)
    backup = library.add_root(b"/backup")
    library.add_file(b"deep/folder/copy of a.jpg", original, root_id=backup)
    facts = gather_facts(library.catalog).library
    assert {kind.kind: (kind.files, kind.reclaimable_bytes) for kind in facts.kinds} == {
        PairKind.EXACT: (2, 200_000),
        PairKind.NEAR: (1, 30_000),
    }
    assert facts.reclaimable_bytes == 230_000
    assert {root.root.path: root.reclaimable_bytes for root in facts.roots} == {
        b"/photos": 130_000,
        b"/backup": 100_000,
    }


def test_skipped_files_are_told_apart_from_errors(library: RenderedLibrary) -> None:
    library.add_problem(b"notes.txt", "not-an-image", "no picture format is recognised")
    library.add_problem(b"half.jpg", "truncated", "the file ends too early")
    facts = gather_facts(library.catalog)
    assert [problem.path for problem in facts.errors] == [b"/photos/half.jpg"]
    assert [problem.path for problem in facts.skipped] == [b"/photos/notes.txt"]


def test_the_first_report_tells_of_no_changes(library: RenderedLibrary) -> None:
    with_copies(library)
    assert gather_facts(library.catalog).changes is None


def test_nothing_has_changed_right_after_a_report(library: RenderedLibrary) -> None:
    with_copies(library)
    facts = gather_facts(library.catalog)
    remember_report(library.catalog, facts.clusters, written_at=100)
    changes = gather_facts(library.catalog).changes
    assert changes is not None
    assert changes.nothing


def test_the_next_report_tells_what_came_what_grew_and_what_was_resolved(library: RenderedLibrary) -> None:
    with_copies(library)
    doomed = library.add_content(drawn(3))
    library.add_file(b"c.jpg", doomed)
    library.add_file(b"d.jpg", doomed)
    facts = gather_facts(library.catalog)
    remember_report(library.catalog, facts.clusters, written_at=100)

    first = next(cluster for cluster in facts.clusters if len(cluster.members) == 3)
    another = library.add_content(drawn(4), size=10_000, scale=1)
    library.add_file(b"another edit.jpg", another)
    library.add_pair(first.keeper.content.id, another, PairKind.NEAR, 0.8)
    fresh = library.add_content(drawn(5))
    library.add_file(b"e.jpg", fresh)
    library.add_file(b"f.jpg", fresh)
    with library.catalog.write() as tx:
        gone = tx.files.at(library.root_id, b"d.jpg")
        assert gone
        tx.files.mark_gone([gone.id], at=101)

    changes = gather_facts(library.catalog).changes
    assert changes is not None
    assert (changes.new_files, changes.gone_files) == (3, 1)
    assert (changes.new_clusters, changes.grown_clusters, changes.resolved_clusters) == (1, 1, 1)
    assert changes.new_cluster_ids == {fresh}
    assert (changes.reclaimable_before, changes.reclaimable_now) == (230_000, 240_000)
