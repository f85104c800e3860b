"""Carry out a plan: verify the files, record the intent, move them, sync the folders, record the outcome.

Bundles are processed in batches, so that two durable commits cover many files and memory use does not grow with the
plan. A kill at any moment leaves at most one batch open, and `recover` settles it by looking at the disk.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeAlias

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.disk.folders import OpenFolders, sync_folders
from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.replacements import Replacement
from dedupctl.disk.steps import Step, Steps, uninterrupted
from dedupctl.disk.verification import Checked, check_actions
from dedupctl.domain import Action, EntryState, Identity, Intent, Operation, Settlement, Terms, Verb
from dedupctl.errors import UsageError
from dedupctl.paths import split
from dedupctl.policy.changed_companions import companions_changed
from dedupctl.policy.guards import offline_reason, require_modest_share
from dedupctl.policy.permission import Permission
from dedupctl.removal.description import take_back_sidecar, write_sidecar
from dedupctl.removal.destinations import Destinations, Place
from dedupctl.removal.outcome import Outcome, Progress, unwatched
from dedupctl.removal.purge import purge
from dedupctl.removal.relocation import Removal, make_ready, put_back, remove, token_of
from dedupctl.removal.replacements import replacement_of
from dedupctl.removal.same_pixels import SamePixels, with_pixels_proven

BATCH_BUNDLES = 1024
BATCH_BYTES = 1 << 29
"""Of files to be removed per batch: even a slow disk delivers them and their kept copies before a watchdog fires."""
Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970."""


@dataclass
class Applied:
    """What one run of a plan did."""

    plan_id: int
    removed: int = 0
    bytes_removed: int = 0
    """This space becomes free once the quarantine is purged."""
    refused: list[Outcome] = field(default_factory=list)
    """Every file that was left alone, with the reason."""
    purged: int = 0
    not_purged: list[Outcome] = field(default_factory=list)
    stopped: bool = False
    """Whether it was told to stop before the end."""

    @property
    def complete(self) -> bool:
        return not self.refused and not self.not_purged


def apply_plan(
    catalog: Catalog,
    plan_id: int,
    *,
    max_remove_share: float,
    same_pixels: SamePixels,
    clock: Clock = time.time,
    steps: Steps = uninterrupted,
    progress: Progress = unwatched,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Applied:
    """Carry out every action of the plan that is still pending; the caller holds `acting`.

    When told to stop, it ends after the current batch. Applying the plan again continues from there. Only `same_pixels`
    decodes files.

    Raises:
        UsageError: there is no such plan.
        RemovesTooMuch: it would remove more than `max_remove_share` percent of a root's files; nothing was done.
    """
    with catalog.read() as tx:
        terms = tx.plans.terms(plan_id)
        if terms is None:
            raise UsageError(f"there is no plan {plan_id}; see `dedupctl plan --list`")
        require_modest_share(tx, plan_id, max_remove_share)
        total = tx.plans.count_pending(plan_id)
    applied = Applied(plan_id)
    run = _Run(catalog, plan_id, terms, same_pixels, clock=clock, steps=steps)
    dealt_with = 0
    for bundles in _batches(catalog, plan_id):
        outcomes = run.carry_out(bundles, partial(progress, dealt_with, total))
        applied.removed += sum(outcome.done and outcome.action.verb.removes for outcome in outcomes)
        applied.bytes_removed += sum(outcome.action.victim.identity.size for outcome in outcomes if outcome.done)
        applied.refused += [outcome for outcome in outcomes if not outcome.done]
        dealt_with += len(outcomes)
        progress(dealt_with, total)
        if is_stopped():
            applied.stopped = True
            break
    if not terms.quarantine:
        ended = purge(catalog, plan_id=plan_id, at_once=True, clock=clock, steps=steps)
        applied.purged = sum(outcome.done for outcome in ended)
        applied.not_purged = [outcome for outcome in ended if not outcome.done]
    return applied


def _batches(catalog: Catalog, plan_id: int) -> Iterator[list[list[Action]]]:
    after = 0
    while True:
        with catalog.read() as tx:
            bundles = tx.plans.pending(plan_id, after=after, limit=BATCH_BUNDLES)
        if not bundles:
            return
        batch = _readable_soon(bundles)
        yield batch
        after = batch[-1][0].bundle


def _readable_soon(bundles: list[list[Action]]) -> list[list[Action]]:
    """The first bundles that together hold at most `BATCH_BYTES`; at least one."""
    sizes = (sum(action.victim.identity.size for action in bundle) for bundle in bundles)
    together = itertools.accumulate(sizes)
    return bundles[: max(1, sum(size <= BATCH_BYTES for size in together))]


class _Intended(NamedTuple):
    """One file, its target, and its replacement."""

    action: Action
    target: Place
    replacement: Replacement | None

    @property
    def mark(self) -> bytes | None:
        return None if self.replacement is None else self.replacement.mark

    def as_intent(self) -> Intent:
        return Intent(self.action, Operation.REMOVE, self.action.victim.absolute, self.target.absolute, self.mark)

    def as_removal(self, entry_id: int, catalog_id: str, now: int) -> Removal:
        return Removal(entry_id, self.action, self.target, self.mark, token_of(catalog_id, entry_id), now)


class _Going(NamedTuple):
    """One file whose intent is in the journal, and the replacement to be made for it."""

    removal: Removal
    replacement: Replacement | None


class _Run:
    """One run of one plan."""

    def __init__(
        self, catalog: Catalog, plan_id: int, terms: Terms, same_pixels: SamePixels, *, clock: Clock, steps: Steps
    ) -> None:
        self._catalog = catalog
        self._plan_id = plan_id
        self._terms = terms
        self._same_pixels = same_pixels
        self._clock = clock
        self._steps = steps
        self._placed: dict[int, Identity] = {}
        """Copies made on another filesystem, by journal entry."""

    def carry_out(self, bundles: Sequence[list[Action]], alive: Callable[[], None]) -> list[Outcome]:
        actions = [action for bundle in bundles for action in bundle]
        results = with_pixels_proven(self._catalog, actions, check_actions(actions), self._same_pixels, alive)
        self._steps(Step.CHECKED)
        results |= companions_changed(bundles, self._terms, Reader())
        with self._catalog.write(durable=True) as tx:
            going, staying = self._intend(tx, bundles, results)
        self._steps(Step.INTENDED)
        removals = [one.removal for bundle in going for one in bundle]
        make_ready(removals)
        with closing(OpenFolders()) as folders:
            moved = [outcome for bundle in going for outcome in self._move(bundle, results, folders)]
        sync_folders(folder for removal in removals for folder in removal.folders)
        self._steps(Step.SYNCED)
        with self._catalog.write(durable=True) as tx:
            self._settle(tx, removals, moved)
        self._steps(Step.SETTLED)
        return staying + moved

    def _intend(
        self, tx: Transaction, bundles: Sequence[list[Action]], results: dict[int, Checked | Refused]
    ) -> tuple[list[list[_Going]], list[Outcome]]:
        """Record in the journal which files are about to go, and which stay and why; return both."""
        permission = Permission(tx, self._terms.kinds)
        destinations = Destinations(self._plan_id, self._terms)
        now = int(self._clock())
        intents: list[list[_Intended]] = []
        staying: list[Outcome] = []
        for bundle in bundles:
            asked = bundle[0]
            try:
                for asked in bundle:
                    permission.require(asked, results[asked.id])
                ready = []
                for asked in bundle:
                    ready.append(_Intended(asked, destinations.choose(asked), replacement_of(asked)))
                intents.append(ready)
            except (Refused, OSError) as error:
                staying += _all_left(bundle, asked, error)
        ids = iter(tx.journal.intend([one.as_intent() for bundle in intents for one in bundle], now))
        going = [
            [_Going(one.as_removal(next(ids), self._catalog.id, now), one.replacement) for one in bundle]
            for bundle in intents
        ]
        left = tx.journal.intend(
            [Intent(one.action, Operation.REMOVE, one.action.victim.absolute) for one in staying], now
        )
        failed = EntryState.FAILED
        tx.journal.settle((Settlement(id_, failed, one.reason) for id_, one in zip(left, staying, strict=True)), now)
        return going, staying

    def _move(
        self, bundle: Sequence[_Going], results: dict[int, Checked | Refused], folders: OpenFolders
    ) -> list[Outcome]:
        """Move all files of the bundle, or none."""
        begun: list[Removal] = []
        try:
            for removal, replacement in bundle:
                checked = results[removal.action.id]
                assert isinstance(checked, Checked)
                begun.append(removal)
                if removal.action.verb is Verb.DESCRIBE:
                    assert replacement is not None
                    write_sidecar(removal, replacement, checked, folders, steps=self._steps)
                else:
                    remove(removal, replacement, checked, folders, placed=self._note_placed, steps=self._steps)
        except (Refused, OSError) as error:
            reason = _about(begun[-1].action, error) if len(bundle) > 1 else reason_of(error)
            back = {removal.entry_id: self._undo(removal, reason) for removal in reversed(begun)}
            return [back.get(one.removal.entry_id) or _left(one.removal.action, reason) for one in bundle]
        return [
            Outcome(one.action, Operation.REMOVE, EntryState.DONE, one.target.absolute) for one, _replacement in bundle
        ]

    def _note_placed(self, entry_id: int, copy: Identity) -> None:
        self._placed[entry_id] = copy
        with self._catalog.write(durable=True) as tx:
            tx.journal.place(entry_id, copy)

    def _undo(self, removal: Removal, reason: str) -> Outcome:
        try:
            if removal.action.verb is Verb.DESCRIBE:
                settled = take_back_sidecar(removal, steps=self._steps)
            else:
                settled = put_back(replace(removal, placed=self._placed.get(removal.entry_id)), steps=self._steps)
        except (Refused, OSError) as error:
            # The entry stays open: the next run will look at the disk and try again.
            stuck = f"{reason}; it could not be put back yet: {reason_of(error)}"
            return Outcome(removal.action, Operation.REMOVE, EntryState.INTENDED, removal.target.absolute, stuck)
        if settled.where is None:
            with self._catalog.read() as tx:
                offline = offline_reason(tx, removal.action.victim.root)
            if offline is not None:
                # The disk was disconnected in the middle of the move: the entry is settled when it is back.
                return Outcome(removal.action, Operation.REMOVE, EntryState.INTENDED, None, offline)
        elif settled.where != removal.action.victim.absolute:
            reason = f"{reason}; it is now {os.fsdecode(settled.where)}"
        return Outcome(removal.action, Operation.REMOVE, EntryState.FAILED, settled.where, reason)

    def _settle(self, tx: Transaction, removals: Sequence[Removal], moved: Sequence[Outcome]) -> None:
        now = int(self._clock())
        ended = [
            (removal, outcome)
            for removal, outcome in zip(removals, moved, strict=True)
            if outcome.state is not EntryState.INTENDED
        ]
        tx.journal.settle(
            (Settlement(removal.entry_id, one.state, one.reason, resting=one.done) for removal, one in ended), now
        )
        gone: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for removal, outcome in ended:
            if outcome.done:
                gone[removal.action.victim.root].append(removal.action.victim.path)
        forget_paths(tx, gone, now)


def forget_paths(tx: Transaction, gone: dict[bytes, list[bytes]], now: int) -> None:
    """Mark these paths, by root, as gone: the catalog need not wait for a scan to learn what dedupctl removed."""
    for path, paths in gone.items():
        root = tx.roots.at(path)
        if root is not None:
            tx.files.vanish(root.id, paths, now)


def _all_left(bundle: Sequence[Action], guilty: Action, error: OSError | Refused) -> list[Outcome]:
    """An outcome for each file of a bundle that stays; those of the other files name the guilty one in the reason."""
    about = _about(guilty, error)
    return [_left(action, reason_of(error) if action is guilty else about) for action in bundle]


def _about(action: Action, error: OSError | Refused) -> str:
    return f"{os.fsdecode(split(action.victim.path)[1])}: {reason_of(error)}"


def _left(action: Action, reason: str) -> Outcome:
    return Outcome(action, Operation.REMOVE, EntryState.FAILED, action.victim.absolute, reason)
