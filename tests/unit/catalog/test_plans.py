"""Plans are frozen: what is stored comes back as it was, and what was begun is not handed out again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import make_digest, make_identity

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Action, EntryState, Intent, Operation, PairKind, Plan, Seen, Settlement, Terms, Verb

TERMS = Terms(
    (PairKind.EXACT, PairKind.NEAR), move_to=b"/else\xffwhere", retention_days=7.5, quarantine=False, unattended=True
)


def action(bundle: int, name: bytes = b"sub/\xff\n.jpg") -> Action:
    victim = Seen(b"/photos", name, make_identity(2**40, size=10), make_digest("a"))
    keeper = Seen(b"/other", b"kept.jpg", make_identity(3, size=10), make_digest("b"))
    return Action(bundle, Verb.QUARANTINE, victim, keeper, PairKind.NEAR, 0.75, "bytes")


def settle(catalog: Catalog, one: Action, state: EntryState) -> None:
    with catalog.write() as tx:
        (entry,) = tx.journal.intend([Intent(one, Operation.REMOVE, b"/x", b"/y")], at=1)
        if state is not EntryState.INTENDED:
            tx.journal.settle([Settlement(entry, state)], at=2)


def stored(catalog: Catalog, *actions: Action) -> Plan:
    with catalog.write() as tx:
        return tx.plans.add("mine", TERMS, actions, at=5)


def test_a_plan_comes_back_as_it_was(catalog: Catalog) -> None:
    sidecar = replace(action(2), keeper=None, kind=None, score=None, verb=Verb.CARRY)
    stays = replace(action(3), rule="goes with caf\u00e9 \udcff.jpg", skipped="it goes with \udcff\udcfe, which stays")
    plan = stored(catalog, action(1), sidecar, stays)
    with catalog.read() as tx:
        assert tx.plans.get(plan.id) == plan
        assert tx.plans.terms(plan.id) == TERMS
        assert (tx.plans.get(99), tx.plans.terms(99)) == (None, None)
    assert len(plan.removals) == 2


def test_plans_are_numbered_and_listed_newest_first_with_what_was_done(catalog: Catalog) -> None:
    first = stored(catalog, action(1), replace(action(2), skipped="no"))
    stored(catalog)
    settle(catalog, first.actions[0], EntryState.DONE)
    with catalog.read() as tx:
        listed = [(one.id, one.policy, one.removals, one.done) for one in tx.plans.all()]
    assert listed == [(2, "mine", 0, 0), (1, "mine", 1, 1)]


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (EntryState.INTENDED, False),
        (EntryState.DONE, False),
        (EntryState.UNDONE, False),
        (EntryState.FAILED, True),
    ],
)
def test_a_bundle_of_which_anything_was_begun_is_not_handed_out_again(
    catalog: Catalog, state: EntryState, left: bool
) -> None:
    plan = stored(catalog, action(1), action(1, b"a.xmp"), action(2))
    settle(catalog, plan.actions[1], state)
    with catalog.read() as tx:
        bundles = [bundle[0].bundle for bundle in tx.plans.pending(plan.id, after=0, limit=10)]
        assert bundles == ([1, 2] if left else [2])
        assert tx.plans.count_pending(plan.id) == (3 if left else 1)


def test_bundles_are_handed_out_whole_in_order_and_a_few_at_a_time(catalog: Catalog) -> None:
    plan = stored(catalog, *(action(number, b"%d" % part) for number in range(1, 6) for part in (1, 2)))
    with catalog.read() as tx:
        first = tx.plans.pending(plan.id, after=0, limit=2)
        rest = tx.plans.pending(plan.id, after=2, limit=10)
        assert tx.plans.bundle(plan.id, 4) == list(plan.actions[6:8])
    assert [[one.bundle for one in bundle] for bundle in first] == [[1, 1], [2, 2]]
    assert [bundle[0].bundle for bundle in rest] == [3, 4, 5]


def test_removals_are_counted_by_root_without_companions_and_what_stays(catalog: Catalog) -> None:
    plan = stored(catalog, action(1), replace(action(1), kind=None), replace(action(2), skipped="no"), action(3))
    with catalog.read() as tx:
        assert tx.plans.removals_by_root(plan.id) == {b"/photos": 2}


def test_protected_paths_are_a_set(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.protected.add([b"/b\xff", b"/a"], at=1)
        tx.protected.add([b"/a"], at=2)
        assert tx.protected.all() == [b"/a", b"/b\xff"]
        assert tx.protected.remove([b"/a", b"/c"]) == 1
        assert tx.protected.all() == [b"/b\xff"]
