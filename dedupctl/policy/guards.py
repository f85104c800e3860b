"""Limits of a policy, whatever the proofs say: by place, by age and size, by the share of a root."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dedupctl.catalog.catalog import Transaction
from dedupctl.config import PolicyConfig
from dedupctl.disk.root_marker import why_offline
from dedupctl.domain import FileState, Identity, Plan, Root
from dedupctl.errors import DedupctlError
from dedupctl.paths import matches_any
from dedupctl.system_folders import in_system_folder

NS_PER_DAY = 86_400 * 10**9


class RemovesTooMuch(DedupctlError):
    """A plan would remove a larger share of a root than it may: most likely something is wrong with the plan."""


@dataclass(frozen=True)
class Guards:
    """The limits of one policy at one moment (`now`, seconds since 1970)."""

    policy: PolicyConfig
    now: int
    only_roots: Collection[int] | None
    """Ids of the roots from which the policy may remove files; None means all."""

    @classmethod
    def of(cls, policy: PolicyConfig, roots: Collection[Root], now: int) -> Guards:
        chosen = {os.path.realpath(os.fsencode(path)) for path in policy.roots}
        return cls(
            policy,
            now,
            only_roots={root.id for root in roots if root.path in chosen} if chosen else None,
        )

    def forbids(self, root_id: int, path: bytes, identity: Identity) -> str | None:
        """Why the file must stay, in words; None if the policy may remove it."""
        return self._root_forbids(root_id) or self._path_forbids(path) or self._age_or_size_forbids(identity)

    def _root_forbids(self, root_id: int) -> str | None:
        if self.only_roots is not None and root_id not in self.only_roots:
            return "its root is outside the policy's scope"
        return None

    def _path_forbids(self, path: bytes) -> str | None:
        if self.policy.paths and not matches_any(path, self.policy.paths):
            return "it matches none of the policy's paths"
        return "the policy excludes its path" if matches_any(path, self.policy.exclude) else None

    def _age_or_size_forbids(self, identity: Identity) -> str | None:
        policy = self.policy
        if policy.min_age_days and identity.mtime_ns > self.now * 10**9 - policy.min_age_days * NS_PER_DAY:
            return f"it is younger than {policy.min_age_days:g} days"
        if identity.size < policy.min_size:
            return f"it is smaller than {policy.min_size} bytes"
        if policy.max_size is not None and identity.size > policy.max_size:
            return f"it is larger than {policy.max_size} bytes"
        return None


def keeper_unfit(path: bytes) -> str | None:
    """Why the file at this absolute path may not be a kept copy, in words; None if it may."""
    if in_system_folder(path):
        return "the kept copy lies in a bin, a snapshot or a cache, which does not keep it"
    return None


def offline_roots(roots: Collection[Root]) -> dict[int, str]:
    """The reason by root id, for the roots that are offline."""
    reasons = {root.id: why_offline(root) for root in roots}
    return {root_id: reason for root_id, reason in reasons.items() if reason is not None}


def offline_reason(tx: Transaction, root: bytes) -> str | None:
    """Why nothing may be done in this root now; None if it is watched and online."""
    known = tx.roots.at(root)
    if known is None:
        return f"{os.fsdecode(root)} is no longer a watched folder"
    reason = why_offline(known)
    return None if reason is None else f"{os.fsdecode(root)} is offline: {reason}"


@dataclass(frozen=True, slots=True)
class Excess:
    """A plan removes a larger share of a root than it may."""

    pictures: str
    """How many pictures of which root, in words, for the first root that would lose too many."""
    percent: int
    """The smallest whole percentage that would allow the plan."""

    @property
    def remedy(self) -> str:
        return f"--max-remove-share {self.percent} allows it"


def require_modest_share(tx: Transaction, plan_id: int, percent: float) -> None:
    """Refuse a plan, before anything is done, that removes more than this share of any root's files.

    What the plan has removed already counts, so that resuming after a crash does not raise the share.

    Raises:
        RemovesTooMuch: names the root, the share, and the option that allows it.
    """
    excess = _excess(tx, tx.plans.removals_by_root(plan_id), tx.journal.removed_by_root(plan_id), percent)
    if excess is not None:
        raise RemovesTooMuch(f"plan {plan_id} would remove {excess.pictures}; nothing was done ({excess.remedy})")


def excessive_share(tx: Transaction, plan: Plan, percent: float) -> Excess | None:
    """How a plan, stored or not, exceeds this percentage of a root; None if it does not."""
    planned = Counter(action.victim.root for action in plan.removals if action.kind is not None)
    return _excess(tx, planned, tx.journal.removed_by_root(plan.id) if plan.id else {}, percent)


def _excess(
    tx: Transaction, planned: Mapping[bytes, int], removed: Mapping[bytes, int], percent: float
) -> Excess | None:
    found: list[Excess] = []
    for path, count in planned.items():
        root = tx.roots.at(path)
        if root is None or percent >= 100:
            continue
        total = tx.files.count(root.id)[FileState.PRESENT] + removed.get(path, 0)
        if count * 100 > percent * total:
            share = 100 * count / max(total, 1)
            pictures = f"{count} of the {total} pictures in {os.fsdecode(path)}"
            found.append(Excess(f"{pictures} ({share:.0f} %), more than {percent:g} %", min(100, math.ceil(share))))
    return Excess(found[0].pictures, max(one.percent for one in found)) if found else None
