"""Make a Plan from clusters and a policy: which file is removed, for which kept copy and by which rule; which stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import LocatedFile
from dedupctl.config import PolicyConfig
from dedupctl.domain import Action, Cluster, Member, PairKind, Plan, Root, Seen, Terms, Verb
from dedupctl.matching.clusters import find_clusters
from dedupctl.paths import lies_in
from dedupctl.policy.actions import action_on, bundled
from dedupctl.policy.guards import Guards, offline_roots
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.policy.permission import Permission

UNATTENDED_KINDS = (PairKind.EXACT, PairKind.PIXEL)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for besides a policy."""

    quarantine: bool = True
    """If false, what is removed is purged in the same run."""
    unattended: bool = False
    """Nobody will look at the plan first, so it covers `exact` and `pixel` only."""
    across: tuple[bytes, bytes] | None = None
    """Folders A and B, absolute: files are removed from B only, for a copy that stays in A."""


def make_plan(catalog: Catalog, name: str, policy: PolicyConfig, *, now: int, request: Request = Request()) -> Plan:
    """Freeze what the policy would do now, and store it under the next number. Touches no picture."""
    return store_plan(catalog, draft_plan(catalog, name, policy, now=now, request=request))


def store_plan(catalog: Catalog, drafted: Plan) -> Plan:
    """Store a drafted plan under the next number."""
    with catalog.write() as tx:
        return tx.plans.add(drafted.policy, drafted.terms, drafted.actions, drafted.created_at)


def draft_plan(catalog: Catalog, name: str, policy: PolicyConfig, *, now: int, request: Request = Request()) -> Plan:
    """Like `make_plan`, but nothing is stored; the number of a draft is 0."""
    kinds = tuple(PairKind(kind) for kind in policy.kinds)
    terms = Terms(
        kinds=tuple(kind for kind in kinds if kind in UNATTENDED_KINDS) if request.unattended else kinds,
        move_to=None if policy.move_to is None else os.path.abspath(os.fsencode(policy.move_to)),
        retention_days=policy.retention_days,
        quarantine=request.quarantine,
        unattended=request.unattended,
        with_annotations=policy.with_annotations,
        merge_sidecars=policy.merge_sidecars,
    )
    with catalog.read() as tx:
        actions = tuple(_Planner(tx, policy, terms, request, now).actions())
    return Plan(0, now, name, terms, actions)


class _Planner:
    """Plans by one snapshot of the catalog, and by the roots and protected paths on disk at that moment."""

    def __init__(self, tx: Transaction, policy: PolicyConfig, terms: Terms, request: Request, now: int) -> None:
        self._tx = tx
        self._policy = policy
        self._terms = terms
        self._request = request
        self._roots: dict[int, Root] = {root.id: root for root in tx.roots.all()}
        self._offline = offline_roots(self._roots.values())
        self._guards = Guards.of(policy, self._roots.values(), now)
        self._permission = Permission(tx, terms.kinds)
        self._returned = tx.journal.restored_files() if request.unattended else set()

    def actions(self) -> Iterator[Action]:
        decided = _each_file_once(action for cluster in self._clusters() for action in self._decide(cluster))
        return bundled(
            decided, with_annotations=self._terms.with_annotations, merge_sidecars=self._terms.merge_sidecars
        )

    def _clusters(self) -> Iterator[Cluster]:
        order = keeper_order(self._tx, self._policy, reference_folder=_kept_side(self._request))
        for scope in self._scopes():
            yield from find_clusters(self._tx, kinds=self._terms.kinds, order=order, among=scope)

    def _scopes(self) -> Iterator[Callable[[LocatedFile], bool]]:
        """Which files are planned together. A copy in an offline root may be lost, so it cannot be a keeper."""
        online = frozenset(self._roots) - self._offline.keys()
        if self._policy.scope == "within":
            yield from (self._in_roots(frozenset({root_id})) for root_id in sorted(online))
            return
        across = self._request.across
        anywhere = self._in_roots(online)
        yield anywhere if across is None else lambda one: anywhere(one) and _side(one.path, across) is not None

    def _in_roots(self, root_ids: frozenset[int]) -> Callable[[LocatedFile], bool]:
        """The files in these roots, except those the policy moved there: they are neither moved on nor kept copies."""
        if self._policy.move_to is None:
            return lambda located: located.file.root_id in root_ids
        done = os.path.realpath(os.fsencode(self._policy.move_to)) + b"/"
        return lambda located: located.file.root_id in root_ids and not located.path.startswith(done)

    def _decide(self, cluster: Cluster) -> Iterator[Action]:
        """The action on every member but the keeper."""
        keeper = cluster.keeper
        for member in cluster.members[1:]:
            action = action_on(member, keeper, self._roots, Verb(self._policy.action), member.rule)
            yield replace(action, skipped=self._must_stay(member, keeper, action))

    def _must_stay(self, member: Member, keeper: Member, action: Action) -> str | None:
        if not member.proven:
            return "it has no accepted pair of its own with the kept copy"
        return (
            self._out_of_reach(member, keeper)
            or self._guards.forbids(member.root_id, member.path, member.identity)
            or ("it was restored, so somebody wants it" if self._is_returned(action.victim) else None)
            or self._permission.refusal(action)
            or self._done_already(action)
        )

    def _out_of_reach(self, member: Member, keeper: Member) -> str | None:
        if self._policy.scope == "between" and member.root_id == keeper.root_id:
            return "the kept copy lies in the same root"
        across = self._request.across
        if across is not None and (_side(keeper.path, across), _side(member.path, across)) != (0, 1):
            return f"only copies of what is in {os.fsdecode(across[0])} go, and only from {os.fsdecode(across[1])}"
        return None

    def _done_already(self, action: Action) -> str | None:
        """Why a clone need not be made again. It has an inode of its own, so nothing else tells it from a copy."""
        if action.verb is not Verb.REFLINK:
            return None
        ours = self._tx.journal.replacements_at(action.victim.root, action.victim.path)
        return "it shares its blocks with the kept copy already" if b"content:" + action.victim.digest in ours else None

    def _is_returned(self, victim: Seen) -> bool:
        """Unattended plans leave restored files alone; else the daemon would remove again what was just put back."""
        return (victim.absolute, victim.digest) in self._returned


def _each_file_once(actions: Iterable[Action]) -> Iterator[Action]:
    """Drop repeated actions on one file: a file under two roots, one inside the other, is still one file."""
    places: set[bytes] = set()
    keepers: set[bytes] = set()
    for action in actions:
        assert action.keeper is not None
        if action.victim.absolute in places or action.victim.absolute in keepers or action.keeper.absolute in places:
            continue
        if action.skipped is None:
            places.add(action.victim.absolute)
            keepers.add(action.keeper.absolute)
        yield action
    assert places.isdisjoint(keepers), "a kept copy would be removed"


def _kept_side(request: Request) -> Callable[[bytes], bool]:
    """Which files also count as those of a reference root: across two folders, everything in A."""
    across = request.across
    return lambda path: across is not None and _side(path, across) == 0


def _side(path: bytes, across: tuple[bytes, bytes]) -> int | None:
    """0 for a path in folder A, 1 in folder B, None in neither; if the folders are nested, the inner one counts."""
    sides = [side for side in (0, 1) if lies_in(path, across[side])]
    return max(sides, key=lambda side: len(across[side]), default=None)
