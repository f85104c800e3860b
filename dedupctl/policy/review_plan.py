"""Make a Plan from what a person chose on the review page: this copy stays, these are removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import Action, Member, Plan, Terms, Verb
from dedupctl.matching.keeper import CHOSEN
from dedupctl.policy.actions import action_on, bundled
from dedupctl.policy.permission import Permission
from dedupctl.policy.promise import REMOVABLE

POLICY_NAME = "review"
_TERMS = Terms(kinds=REMOVABLE)


def plan_choice(catalog: Catalog, keeper: Member, removed: Sequence[Member], *, now: int) -> Plan:
    """Freeze the choice under the next number, with the companions of what is removed. Touches no picture.

    A file that may not be removed (protected, in a reference root, not proven to be the same picture as `keeper`) is
    skipped in the plan, with the reason. `kind` and `score` of the removed are those of their pairs with `keeper`.
    """
    with catalog.read() as tx:
        actions = tuple(bundled(_decided(tx, keeper, removed)))
    with catalog.write() as tx:
        return tx.plans.add(POLICY_NAME, _TERMS, actions, now)


def refusals(tx: Transaction, keeper: Member, members: Sequence[Member]) -> Mapping[int, str]:
    """Why members could not be removed if a person chose them now, in words, by file id; the others could."""
    decided = zip(members, _decided(tx, keeper, members), strict=True)
    return {member.file_id: action.skipped for member, action in decided if action.skipped is not None}


def _decided(tx: Transaction, keeper: Member, removed: Sequence[Member]) -> Iterator[Action]:
    roots = {root.id: root for root in tx.roots.all()}
    permission = Permission(tx, _TERMS.kinds)
    for member in removed:
        action = action_on(member, keeper, roots, Verb.QUARANTINE, CHOSEN)
        unproven = None if member.proven else "it has no accepted pair of its own with the kept copy"
        yield replace(action, skipped=unproven or permission.refusal(action))
