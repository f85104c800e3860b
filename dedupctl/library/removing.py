"""The part of `Library` that removes pictures and takes it back: plan, apply, restore, purge, and the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

from dedupctl.config import PolicyConfig
from dedupctl.domain import JournalEntry, PairKind, Plan, PlanSummary
from dedupctl.errors import UsageError
from dedupctl.library.given_paths import AnyPath, absolute, catalog_path
from dedupctl.library.opened import OpenedLibrary
from dedupctl.policy.guards import Excess, excessive_share, require_modest_share
from dedupctl.policy.named_policy import share_allowed
from dedupctl.policy.plan import Request, draft_plan, make_plan
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.orphans import adopt_orphans
from dedupctl.removal.outcome import Outcome, Progress, unwatched
from dedupctl.removal.purge import purge, purgeable
from dedupctl.removal.recover import acting
from dedupctl.removal.restore import restorable, restore
from dedupctl.workspace import Workspace

AnyPlan: TypeAlias = Plan | int
"""A plan, or its number."""


class Acting:
    """What may be done while this process alone holds the lock for acting on pictures; see `Library.acting`."""

    def __init__(self, workspace: Workspace, settled: Sequence[Outcome]) -> None:
        self._catalog = workspace.catalog
        self._config = workspace.config
        self.settled = settled
        """What an earlier run was cut off at, and what became of it."""

    def apply(
        self,
        plan: Plan,
        *,
        max_remove_share: float | None = None,
        progress: Progress = unwatched,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Applied:
        """As `Library.apply`."""
        from dedupctl.indexing.workers import Workers

        if plan.id == 0:
            raise UsageError("a draft cannot be applied; make the plan without dry_run")
        share = share_allowed(self._config.policies.get(plan.policy, PolicyConfig()), max_remove_share)
        with closing(Workers(self._config, self._catalog.path, count=1)) as workers:
            return apply_plan(
                self._catalog,
                plan.id,
                max_remove_share=share,
                same_pixels=workers.same_pixels,
                progress=progress,
                is_stopped=is_stopped,
            )

    def adopt_orphans(self) -> Plan | None:
        """Enter files in quarantine that the journal does not know, so that they can be restored; None if none are."""
        return adopt_orphans(self._catalog, now=int(time.time()))

    def restore(self, entries: Sequence[JournalEntry], *, progress: Progress = unwatched) -> list[Outcome]:
        """Put back the files of these entries, which `Library.removed` names."""
        return restore(self._catalog, entries, progress=progress)

    def purge(self, plan: AnyPlan | None = None, *, progress: Progress = unwatched) -> list[Outcome]:
        """As `Library.purge`."""
        return purge(self._catalog, plan_id=_number(plan), progress=progress)


class Removing(OpenedLibrary):
    """What would be removed, what was, and how to take it back."""

    def plan(
        self,
        policy: str = "safe",
        *,
        kinds: Collection[PairKind] | None = None,
        action: str | None = None,
        across: tuple[AnyPath, AnyPath] | None = None,
        quarantine: bool = True,
        changes: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> Plan:
        """Freeze what a policy would remove, and why. Touches no picture.

        Args:
            policy: a policy of the configuration, or the ready-made "safe" or "tidy".
            kinds: only pairs of these kinds, instead of the policy's.
            action: "quarantine", "trash", "delete", "hardlink", "reflink" or "symlink", instead of the policy's.
            across: two folders; files go from the second only, for a copy that stays in the first.
            quarantine: with the action "delete", false purges what is removed in the same run.
            changes: other fields of `PolicyConfig` that differ this time, such as `{"merge_sidecars": True}`.
            dry_run: only draft it; a draft has number 0 and cannot be applied.

        Raises:
            UsageError: there is no such policy, or the changes do not go with it.
        """
        said: dict[str, Any] = dict(changes or {})
        if kinds:
            said["kinds"] = tuple(kind.value for kind in kinds)
        if action is not None:
            said["action"] = action
        chosen = self.policy(policy, said)
        if not quarantine and chosen.action != "delete":
            raise UsageError("--no-quarantine goes with the action delete only, spelled out: --action delete")
        folders = None if across is None else (catalog_path(across[0]), catalog_path(across[1]))
        making = draft_plan if dry_run else make_plan
        request = Request(quarantine=quarantine, across=folders)
        return making(self._workspace.catalog, policy, chosen, now=int(time.time()), request=request)

    def plans(self) -> list[PlanSummary]:
        """Every stored plan, newest first."""
        with self._workspace.catalog.read() as tx:
            return tx.plans.all()

    def stored_plan(self, number: int) -> Plan:
        """The stored plan of this number.

        Raises:
            UsageError: there is none.
        """
        with self._workspace.catalog.read() as tx:
            found = tx.plans.get(number)
        if found is None:
            raise UsageError(f"there is no plan {number}; see `dedupctl plan --list`")
        return found

    def share_allowed(self, policy: str, asked: float | None = None) -> float:
        """The percentage of a root's pictures that a plan of this policy may remove; `asked` overrules the policy.

        Raises:
            UsageError: `asked` is not a percentage.
        """
        return share_allowed(self.config.policies.get(policy, PolicyConfig()), asked)

    def excess(self, plan: Plan, max_remove_share: float | None = None) -> Excess | None:
        """Why `apply` would refuse this plan, stored or not, for the share of a root it removes; None if it would not.

        Raises:
            UsageError: `max_remove_share` is not a percentage.
        """
        share = self.share_allowed(plan.policy, max_remove_share)
        with self._workspace.catalog.read() as tx:
            return excessive_share(tx, plan, share)

    def require_modest_share(self, plan: Plan, max_remove_share: float | None = None) -> None:
        """Ask before `apply` whether the plan removes too large a share of a root.

        Raises:
            RemovesTooMuch: it does.
            UsageError: `max_remove_share` is not a percentage.
        """
        share = self.share_allowed(plan.policy, max_remove_share)
        with self._workspace.catalog.read() as tx:
            require_modest_share(tx, plan.id, share)

    @contextmanager
    def acting(self) -> Iterator[Acting]:
        """Hold the lock for acting on pictures, and first settle what an earlier run was cut off at.

        `apply`, `restore` and `purge` take the lock for one call; this is for several calls, or to see what was
        settled. A daemon may index meanwhile.

        Raises:
            LockHeld: another apply, restore or purge is at work.
            UsageError: this system cannot hold a folder open while a file in it is checked and moved.
        """
        with acting(self.home, self._workspace.catalog) as settled:
            yield Acting(self._workspace, settled)

    def apply(
        self,
        plan: Plan,
        *,
        max_remove_share: float | None = None,
        progress: Progress = unwatched,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Applied:
        """Carry out a plan that was frozen here. `restore` takes it all back.

        Args:
            max_remove_share: the percentage of a root's pictures that may go; by default what the policy allows.
            progress: takes the number of files dealt with, and of all there are.
            is_stopped: asked from time to time; once it returns true, the run ends after a batch, and applying the
                plan again goes on from there.

        Raises:
            UsageError: it is a draft, or not of this library.
            RemovesTooMuch: it takes a larger share of a root; nothing was done.
            LockHeld: another apply, restore or purge is at work.
        """
        with self.acting() as now:
            return now.apply(plan, max_remove_share=max_remove_share, progress=progress, is_stopped=is_stopped)

    def removed(self, plan: AnyPlan | None = None, *, path: AnyPath | None = None) -> list[JournalEntry]:
        """The removed files that can be put back, the last removed first.

        With `path`: those that stood at or below it, or wait there. It is looked for as it is written, for what was
        indexed through a link, and as it really is, for what lies behind one.
        """
        if path is None:
            return restorable(self._workspace.catalog, plan_id=_number(plan))
        places = dict.fromkeys((absolute(path), catalog_path(path)))
        found = [
            one for place in places for one in restorable(self._workspace.catalog, plan_id=_number(plan), path=place)
        ]
        return list({one.id: one for one in found}.values())

    def restore(
        self, plan: AnyPlan | None = None, *, path: AnyPath | None = None, progress: Progress = unwatched
    ) -> list[Outcome]:
        """Put back what a plan removed, or what was removed at or below a path; without either, everything.

        A file that could not be put back is an outcome that is not `done`, with the reason.

        Raises:
            LockHeld: another apply, restore or purge is at work.
        """
        with self.acting() as now:
            return now.restore(self.removed(plan, path=path), progress=progress)

    def purgeable(self, plan: AnyPlan | None = None) -> list[JournalEntry]:
        """The files that have been in quarantine past their plan's retention, oldest first."""
        return purgeable(self._workspace.catalog, now=time.time(), plan_id=_number(plan))

    def purge(self, plan: AnyPlan | None = None, *, progress: Progress = unwatched) -> list[Outcome]:
        """Delete for good what has been in quarantine past its retention, if a kept copy still reads whole.

        A file that stays is an outcome that is not `done`, with the reason.

        Raises:
            LockHeld: another apply, restore or purge is at work.
        """
        with self.acting() as now:
            return now.purge(plan, progress=progress)

    def journal(self, plan: AnyPlan | None = None, *, limit: int | None = None) -> list[JournalEntry]:
        """What was done or tried, newest first."""
        with self._workspace.catalog.read() as tx:
            return list(tx.journal.entries(plan_id=_number(plan), limit=limit))


def _number(plan: AnyPlan | None) -> int | None:
    return plan.id if isinstance(plan, Plan) else plan
