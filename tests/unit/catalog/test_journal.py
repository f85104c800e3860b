"""The journal remembers what was meant, what came of it, and where every removed file waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import make_digest, make_identity

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import Action, EntryState, Intent, Operation, PairKind, Seen, Settlement, Terms, Verb


def action(name: str, bundle: int = 1) -> Action:
    victim = Seen(b"/photos", name.encode(), make_identity(1, size=100), make_digest(name))
    keeper = Seen(b"/photos", b"kept.jpg", make_identity(2, size=100), make_digest("kept"))
    return Action(bundle, Verb.QUARANTINE, victim, keeper, PairKind.NEAR, 0.9, "name")


def intent(one: Action, operation: Operation = Operation.REMOVE) -> Intent:
    return Intent(one, operation, one.victim.absolute, b"/photos/.dedupctl/quarantine/1/" + one.victim.path)


def removed(tx: Transaction, *names: str) -> list[Action]:
    """A plan of its own, all of it done."""
    plan = tx.plans.add("test", Terms(()), [action(name, bundle) for bundle, name in enumerate(names, 1)], at=1)
    ids = tx.journal.intend([intent(one) for one in plan.actions], at=10)
    tx.journal.settle([Settlement(id_, EntryState.DONE, resting=True) for id_ in ids], at=20)
    return list(plan.actions)


def test_an_intent_is_open_until_it_is_settled(catalog: Catalog) -> None:
    with catalog.write() as tx:
        plan = tx.plans.add("test", Terms(()), [action("a.jpg"), action("b.jpg", 2)], at=1)
        first, second = tx.journal.intend([intent(one) for one in plan.actions], at=10)
        assert [(row.id, row.state, row.settled_at) for row in tx.journal.open()] == [
            (first, EntryState.INTENDED, None),
            (second, EntryState.INTENDED, None),
        ]
        tx.journal.settle(
            [Settlement(first, EntryState.DONE, resting=True), Settlement(second, EntryState.FAILED, "gone")], at=20
        )
        assert tx.journal.open() == []
        failed, done = tx.journal.entries()
    assert (done.state, done.reason, done.started_at, done.settled_at, done.resting) == (
        EntryState.DONE,
        None,
        10,
        20,
        True,
    )
    assert (failed.state, failed.reason, failed.resting) == (EntryState.FAILED, "gone", False)
    assert (done.action, done.policy, done.operation) == (plan.actions[0], "test", Operation.REMOVE)


def test_nothing_intended_is_nothing_written(catalog: Catalog) -> None:
    with catalog.write() as tx:
        assert tx.journal.intend([], at=1) == []
        tx.journal.settle([], at=1)
        assert list(tx.journal.entries()) == []


def test_many_rows_that_end_alike_all_end(catalog: Catalog) -> None:
    with catalog.write() as tx:
        removed(tx, *(f"{number}.jpg" for number in range(2500)))
        assert len(tx.journal.resting()) == 2500
        assert tx.journal.open() == []


@pytest.mark.parametrize("how", ["restored", "purged"])
def test_what_was_restored_or_purged_waits_no_more(catalog: Catalog, how: str) -> None:
    with catalog.write() as tx:
        first, second = removed(tx, "a.jpg", "b.jpg")
        getattr(tx.journal, how)([first.id])
        assert [entry.action.id for entry in tx.journal.resting()] == [second.id]
        states = {entry.action.id: entry.state for entry in tx.journal.entries()}
    assert states == {first.id: EntryState.UNDONE if how == "restored" else EntryState.DONE, second.id: EntryState.DONE}


def test_resting_files_are_found_by_plan_and_by_place(catalog: Catalog) -> None:
    with catalog.write() as tx:
        (first,) = removed(tx, "a.jpg")
        (second,) = removed(tx, "b.jpg")
        assert [entry.action.id for entry in tx.journal.resting(plan_id=2)] == [second.id]
        place = intent(first).target
        assert place is not None
        assert tx.journal.rests_at([place, b"/elsewhere"]) == {place}


def test_a_kept_content_answers_for_all_that_were_removed_for_it_purged_ones_too(catalog: Catalog) -> None:
    with catalog.write() as tx:
        first, second, third = removed(tx, "a.jpg", "b.jpg", "c.jpg")
        tx.journal.purged([first.id])
        tx.journal.restored([second.id])
        assert tx.journal.relying_on(make_digest("kept")) == {first.victim.digest, third.victim.digest}
        assert tx.journal.relying_on(make_digest("a.jpg")) == set()
        assert tx.journal.removed_by_root(1) == {b"/photos": 2}


def test_where_a_file_was_restored_to_is_remembered(catalog: Catalog) -> None:
    with catalog.write() as tx:
        (one,) = removed(tx, "a.jpg")
        (entry,) = tx.journal.intend([Intent(one, Operation.RESTORE, b"/x", b"/photos/a.jpg")], at=30)
        assert tx.journal.restored_files() == set()
        tx.journal.retarget(entry, b"/photos/a (restored).jpg")
        tx.journal.settle([Settlement(entry, EntryState.DONE)], at=31)
        assert tx.journal.restored_files() == {(b"/photos/a (restored).jpg", one.victim.digest)}


def test_what_stands_in_a_place_is_remembered(catalog: Catalog) -> None:
    with catalog.write() as tx:
        plan = tx.plans.add("test", Terms(()), [replace(action("a.jpg"), verb=Verb.SYMLINK)], at=1)
        (entry,) = tx.journal.intend([replace(intent(plan.actions[0]), replacement=b"link:/x")], at=10)
        tx.journal.settle([Settlement(entry, EntryState.DONE, resting=True)], at=20)
        assert tx.journal.replacements_at(b"/photos", b"a.jpg") == {b"link:/x"}
        assert tx.journal.replacements_at(b"/photos", b"b.jpg") == set()


def test_entries_come_newest_first_and_in_pages(catalog: Catalog) -> None:
    with catalog.write() as tx:
        removed(tx, "a.jpg", "b.jpg", "c.jpg")
        newest = [entry.id for entry in tx.journal.entries(limit=2)]
        assert newest == [3, 2]
        assert [entry.id for entry in tx.journal.entries(before=2)] == [1]
        assert list(tx.journal.entries(plan_id=9)) == []


def test_savings_are_counted_by_day_without_what_came_back(catalog: Catalog) -> None:
    with catalog.write() as tx:
        first, _, _ = removed(tx, "a.jpg", "b.jpg", "c.jpg")
        tx.journal.restored([first.id])
        assert tx.journal.saved_by_day() == [("1970-01-01", 200)]
