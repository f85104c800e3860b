"""What the daemon does to pictures on its own: settle interrupted runs and apply `unattended` policies.

It uses the same plan and apply as the commands, with the same lock, guards and journal. Because nobody reviews the plan
first, it may act only on `exact` and `pixel` pairs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import PolicyConfig
from dedupctl.daemon.pulse import Pulse
from dedupctl.domain import PairKind, Plan, Seen
from dedupctl.errors import DedupctlError, Interrupted, LockHeld, StoreError
from dedupctl.policy.plan import UNATTENDED_KINDS, Request, draft_plan, store_plan
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.purge import purge, purgeable
from dedupctl.removal.recover import acting
from dedupctl.removal.same_pixels import SamePixels
from dedupctl.report.wording import counted, shown, size

PAUSE_SECONDS = 60.0
"""Minimum time between two runs, so that a whole import causes one run rather than one per batch."""
PURGE_SECONDS = 86_400.0
SAID_OUTCOMES = 20
"""How many files left alone are named in the log; `dedupctl log` lists them all."""


class Unattended:
    """Applies the unattended policies once after each change of the library."""

    def __init__(
        self,
        home: Path,
        catalog: Catalog,
        policies: Mapping[str, PolicyConfig],
        *,
        purges: bool = False,
        same_pixels: SamePixels,
        is_stopped: Callable[[], bool],
        pulse: Pulse,
        say: Callable[[str], None],
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._same_pixels = same_pixels
        self._is_stopped = is_stopped
        self._pulse = pulse
        self._say = say
        self._policies = {
            name: policy
            for name, policy in policies.items()
            if policy.unattended and not set(UNATTENDED_KINDS).isdisjoint(map(PairKind, policy.kinds))
        }
        self._purges = purges
        self._purge_not_before = float("-inf")
        self._is_due = False
        self._not_before = 0.0
        self._in_vain: dict[str, set[tuple[Seen, Seen | None]]] = {}
        """The removals left alone, by policy. They are not attempted again before the next scan."""

    def settle_journal(self) -> None:
        """Settle what an earlier run of the daemon, or a killed command, left open."""
        try:
            with self._pulse.uninterrupted(), acting(self._home, self._catalog) as settled:
                self._say_settled(settled)
        except LockHeld as held:
            # The holder of the lock has already settled the journal before its own work.
            self._say(str(held))
        except StoreError:
            raise
        except (DedupctlError, OSError) as error:
            # The rows wait for the next start or for a root to come back; watching must continue meanwhile.
            self._say(f"an interrupted run could not be settled: {shown(str(error))}")

    def after_batch(self) -> None:
        """Note that the library has changed."""
        self._is_due = bool(self._policies)

    def after_scan(self) -> None:
        """Note that the library was scanned. Removals left alone before are attempted again."""
        self._in_vain.clear()
        self.after_batch()

    def act_when_due(self) -> None:
        """Run the policies if the library has changed and `PAUSE_SECONDS` have passed since the last run."""
        if not self._is_due or time.monotonic() < self._not_before:
            return
        self._is_due = False
        for name, policy in self._policies.items():
            if not self._is_stopped():
                self._run(name, policy)
        self._not_before = time.monotonic() + PAUSE_SECONDS

    def purge_when_due(self) -> None:
        """Purge files past their retention, if configured, at most once a day."""
        if not self._purges or time.monotonic() < self._purge_not_before:
            return
        self._purge_not_before = time.monotonic() + PURGE_SECONDS
        if not purgeable(self._catalog, now=time.time()):
            return
        try:
            with self._pulse.uninterrupted(), acting(self._home, self._catalog) as settled:
                self._say_settled(settled)
                outcomes = purge(self._catalog, progress=lambda _done, _total: self._between_batches())
        except LockHeld as held:
            self._purge_not_before = time.monotonic() + PAUSE_SECONDS
            self._say(f"the purge waits: {held}")
        except StoreError:
            raise
        except DedupctlError as error:
            self._say(f"purge: {error}")
        else:
            self._say_purged(outcomes)

    def _between_batches(self) -> None:
        self._pulse.beat()
        if self._is_stopped():
            raise Interrupted

    def _run(self, name: str, policy: PolicyConfig) -> None:
        drafted = draft_plan(self._catalog, name, policy, now=int(time.time()), request=Request(unattended=True))
        asked = {(action.victim, action.keeper) for action in drafted.removals}
        if asked <= self._in_vain.get(name, set()):
            return
        roots = {action.victim.root for action in drafted.removals}
        if roots and not any(os.access(root, os.W_OK) for root in roots):
            # This is so under the shipped units, which let the daemon write only to its home directory.
            self._in_vain[name] = asked
            named = ", ".join(shown(root) for root in sorted(roots))
            self._say(f"policy {name} waits: this daemon may not write to {named} (see systemd/act-in-a-root.conf)")
            return
        try:
            with self._pulse.uninterrupted(), acting(self._home, self._catalog) as settled:
                self._say_settled(settled)
                applied = self._apply(store_plan(self._catalog, drafted), policy)
        except LockHeld as held:
            self._is_due = True
            self._say(f"policy {name} waits: {held}")
        except StoreError:
            raise
        except DedupctlError as error:
            self._in_vain[name] = asked
            self._say(f"policy {name}: {error}")
        else:
            self._in_vain[name] = {(one.action.victim, one.action.keeper) for one in applied.refused}
            self._say_applied(name, applied)

    def _apply(self, plan: Plan, policy: PolicyConfig) -> Applied:
        return apply_plan(
            self._catalog,
            plan.id,
            max_remove_share=policy.max_remove_share,
            same_pixels=self._same_pixels,
            progress=lambda _done, _total: self._pulse.beat(),
            is_stopped=self._is_stopped,
        )

    # --- reporting -------------------------------------------------------------------------------------------------

    def _say_settled(self, settled: Sequence[Outcome]) -> None:
        for outcome in settled:
            self._say(
                f"a {outcome.operation.value} was interrupted: {shown(outcome.action.victim.absolute)}:"
                f" {outcome.state.value}" + (f", {shown(outcome.reason)}" if outcome.reason else "")
            )

    def _say_purged(self, outcomes: Sequence[Outcome]) -> None:
        done = [outcome for outcome in outcomes if outcome.done]
        freed = sum(outcome.action.victim.identity.size for outcome in done)
        self._say(f"purged {counted(len(done), 'file')} past their retention ({size(freed)})")
        for outcome in [outcome for outcome in outcomes if not outcome.done][:SAID_OUTCOMES]:
            self._say(f"not purged: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")

    def _say_applied(self, name: str, applied: Applied) -> None:
        left = applied.refused
        self._say(
            f"policy {name}, plan {applied.plan_id}: {counted(applied.removed, 'file')} removed"
            f" ({size(applied.bytes_removed)})" + (f", {len(left):,} left alone" if left else "")
        )
        for outcome in left[:SAID_OUTCOMES]:
            self._say(f"left alone: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")
        if len(left) > SAID_OUTCOMES:
            self._say(f"... and {len(left) - SAID_OUTCOMES:,} more (dedupctl log --plan {applied.plan_id})")
