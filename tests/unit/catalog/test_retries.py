from __future__ import annotations

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.files import Sighting
from dedupctl.catalog.retries import PAUSES
from dedupctl.domain import Identity, Root, Unreadable

CRASH, CORRUPT = Unreadable("crash", "for the test"), Unreadable("corrupt", "for the test")


def look(catalog: Catalog, root: Root, outcome: Unreadable, at: int, ctime_ns: int = 1) -> None:
    sighting = Sighting(root.id, b"sub/a.jpg", Identity(1, 2, 3, 4, ctime_ns), outcome)
    with catalog.write() as tx:
        tx.files.record([sighting])
        tx.retries.note([sighting], at)


def is_due(catalog: Catalog, root: Root, at: int) -> bool:
    with catalog.read() as tx:
        return bool(tx.retries.due(root.id, at))


def test_the_pauses_between_tries_grow_until_it_counts_as_the_files_own_fault(catalog: Catalog, root: Root) -> None:
    at = 1000
    for pause in PAUSES:
        look(catalog, root, CRASH, at)
        assert not is_due(catalog, root, at + pause - 1)
        assert is_due(catalog, root, at + pause)
        at += pause
    look(catalog, root, CRASH, at)
    assert not is_due(catalog, root, at + 10 * PAUSES[-1])
    assert list(PAUSES) == sorted(set(PAUSES))


def test_a_changed_file_begins_anew(catalog: Catalog, root: Root) -> None:
    for _ in range(4):
        look(catalog, root, CRASH, 1000)
    look(catalog, root, CRASH, 1000, ctime_ns=2)
    assert is_due(catalog, root, 1000 + PAUSES[0])


def test_what_can_be_repeated_is_not_tried_again(catalog: Catalog, root: Root) -> None:
    look(catalog, root, CRASH, 1000)
    look(catalog, root, CORRUPT, 2000)
    assert not is_due(catalog, root, 10**9)
    with catalog.read() as tx:
        assert tx.retries.count() == 0


def test_another_roots_files_are_not_due_here(catalog: Catalog, root: Root) -> None:
    look(catalog, root, CRASH, 1000)
    with catalog.write() as tx:
        other = tx.roots.add(b"/elsewhere", device=7, marker=None)
    assert not is_due(catalog, other, 10**9)
