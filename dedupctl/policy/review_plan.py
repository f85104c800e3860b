"""A Plan from what a person chose by looking: this copy stays, these go. It promises what every plan promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.config import PolicyConfig
from dedupctl.disk.reading import Reader
from dedupctl.domain import Action, Member, PairKind, Plan, Root, Seen, Terms, Verb
from dedupctl.paths import relative_to
from dedupctl.policy.companions import Companions
from dedupctl.policy.guards import Guards, keeper_unfit
from dedupctl.policy.link_targets import LinkTargets
from dedupctl.policy.promise import broken_by
from dedupctl.policy.protection import Protection

POLICY_NAME = "review"
_TERMS = Terms(kinds=(PairKind.EXACT, PairKind.PIXEL, PairKind.NEAR))


def plan_choice(catalog: Catalog, keeper: Member, removed: Sequence[Member], *, now: int) -> Plan:
    """Freeze the choice under the next number, with the companions of what goes. Touches no picture.

    What may not go after all (protected, in a reference root, not proven to be the same picture as `keeper`) is in the
    plan as skipped, with the reason. `kind` and `score` of the removed are those of their pairs with `keeper`.
    """
    with catalog.read() as tx:
        actions = tuple(_Chooser(tx, now).actions(keeper, removed))
    with catalog.write() as tx:
        return tx.plans.add(POLICY_NAME, _TERMS, actions, now)


class _Chooser:
    """One reading of the catalog, and what the disk says of roots and protected paths at that moment."""

    def __init__(self, tx: Transaction, now: int) -> None:
        self._tx = tx
        self._roots: dict[int, Root] = {root.id: root for root in tx.roots.all()}
        self._guards = Guards.of(PolicyConfig(kinds=("exact", "pixel", "near")), self._roots.values(), now)
        self._protection = Protection(tx.protected.all())
        self._leaning = LinkTargets(tx)

    def actions(self, keeper: Member, removed: Sequence[Member]) -> Iterator[Action]:
        decided = [self._decide(keeper, member) for member in removed]
        going = {action.victim.absolute: action for action in decided if action.skipped is None}
        bundles = [*Companions(going, Reader()).bundles(), *([one] for one in decided if one.skipped is not None)]
        for number, bundle in enumerate(bundles, start=1):
            for action in bundle:
                yield replace(action, bundle=number)

    def _decide(self, keeper: Member, member: Member) -> Action:
        action = Action(
            bundle=0,
            verb=Verb.QUARANTINE,
            victim=self._seen(member),
            keeper=self._seen(keeper),
            kind=member.kind,
            score=member.score,
            rule="your choice",
        )
        return replace(action, skipped=self._must_stay(member, keeper, action))

    def _must_stay(self, member: Member, keeper: Member, action: Action) -> str | None:
        if member.identity[:2] == keeper.identity[:2]:
            return "it is one more name of the kept copy: removing it frees nothing"
        if not member.proven:
            return "it has no accepted pair of its own with the kept copy"
        return (
            self._guards.forbids(member.root_id, member.path, member.identity)
            or self._guards.offline.get(keeper.root_id)
            or keeper_unfit(keeper.path)
            or ("it is protected" if self._protection.covers(member.path) else None)
            or self._leaning.on(member.path)
            or broken_by(self._tx, action, _TERMS.kinds)
        )

    def _seen(self, member: Member) -> Seen:
        root = self._roots[member.root_id].path
        relative = relative_to(member.path, root)
        return Seen(root, relative, member.identity, member.content.digest)
