"""Delete quarantined files after their retention, if a verified copy still exists; otherwise keep them and say why."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.disk.folders import standing_at, sync_folders
from dedupctl.disk.moves import unlink_exactly
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.steps import Step, Steps, uninterrupted
from dedupctl.disk.verification import digest_of, is_still_there
from dedupctl.domain import EntryState, Intent, JournalEntry, Operation, Settlement, Terms
from dedupctl.policy.permission import Permission
from dedupctl.policy.promise import REMOVABLE
from dedupctl.removal.destinations import drop_empty_folders, resting_place
from dedupctl.removal.outcome import Outcome, Progress, unwatched
from dedupctl.removal.relocation import token_of

BATCH_ENTRIES = 256
SECONDS_PER_DAY = 86_400


def purgeable(catalog: Catalog, *, now: float, plan_id: int | None = None, at_once: bool = False) -> list[JournalEntry]:
    """Quarantined files that are past their plan's retention, or all with `at_once`; oldest first."""
    with catalog.read() as tx:
        waiting = [one for one in tx.journal.resting(plan_id=plan_id) if one.action.verb.quarantines]
        terms = {one.plan_id: tx.plans.terms(one.plan_id) for one in waiting}
    return [one for one in waiting if at_once or _is_due(one, terms[one.plan_id], now)]


def purge(
    catalog: Catalog,
    *,
    plan_id: int | None = None,
    at_once: bool = False,
    clock: Callable[[], float] = time.time,
    steps: Steps = uninterrupted,
    progress: Progress = unwatched,
) -> list[Outcome]:
    """Delete every purgeable file whose kept copy is read and found intact in this run; the caller holds `acting`.

    A bundle is purged together or not at all. A file that is kept has an outcome that is not `done`, with the reason.
    """
    due = purgeable(catalog, now=clock(), plan_id=plan_id, at_once=at_once)
    due.sort(key=lambda entry: (entry.plan_id, entry.action.bundle, entry.id))
    bundles = [list(group) for _, group in itertools.groupby(due, key=lambda one: (one.plan_id, one.action.bundle))]
    outcomes: list[Outcome] = []
    for start in range(0, len(bundles), BATCH_ENTRIES):
        outcomes += _Purge(catalog, clock, steps).carry_out(bundles[start : start + BATCH_ENTRIES])
        progress(len(outcomes), len(due))
    return outcomes


class _Purge:
    """One batch."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float], steps: Steps) -> None:
        self._catalog = catalog
        self._clock = clock
        self._steps = steps

    def carry_out(self, bundles: Sequence[list[JournalEntry]]) -> list[Outcome]:
        with self._catalog.read() as tx:
            ending = _ending(bundles)
            allowed, outcomes = _sift(bundles, partial(_require_copy, tx, Permission(tx, REMOVABLE), ending))
        self._steps(Step.CHECKED)
        with self._catalog.write(durable=True) as tx:
            # A protection or verdict that was given while the copies were read counts too.
            allowed, kept = _sift(allowed, partial(_require_leave, Permission(tx, REMOVABLE)))
            going = [entry for bundle in allowed for entry in bundle]
            intents = [Intent(entry.action, Operation.PURGE, resting_place(entry).absolute) for entry in going]
            ids = tx.journal.intend(intents, int(self._clock()))
        self._steps(Step.INTENDED)
        ended = [self._end(entry, entry_id) for entry, entry_id in zip(going, ids, strict=True)]
        sync_folders(os.path.dirname(resting_place(entry).absolute) for entry in going)
        self._steps(Step.SYNCED)
        with self._catalog.write(durable=True) as tx:
            settled = (Settlement(id_, one.state, one.reason) for id_, one in zip(ids, ended, strict=True))
            tx.journal.settle(settled, int(self._clock()))
            tx.journal.purged([outcome.action.id for outcome in ended if outcome.where is None])
        self._steps(Step.SETTLED)
        for entry in going:
            drop_empty_folders(resting_place(entry))
        return outcomes + kept + ended

    def _end(self, entry: JournalEntry, entry_id: int) -> Outcome:
        place = resting_place(entry)
        try:
            digest, found = digest_of(place.base, place.relative)
            if digest != entry.action.victim.digest:
                raise Refused("it is not the file that was removed any more")  # noqa: TRY301 - one way out
            with standing_at(place.base, place.relative) as at:
                self._steps(Step.UNLINKING)
                unlink_exactly(at, found, token=token_of(self._catalog.id, entry_id), steps=self._steps)
                self._steps(Step.UNLINKED)
        except FileNotFoundError:
            return Outcome(
                entry.action, Operation.PURGE, EntryState.FAILED, None, "it is not in the quarantine any more"
            )
        except (Refused, OSError) as error:
            return _kept(entry, reason_of(error))
        return Outcome(entry.action, Operation.PURGE, EntryState.DONE, None)


def _require_leave(permission: Permission, bundle: Sequence[JournalEntry]) -> None:
    """Raises Refused if one of these files must not be deleted."""
    for entry in bundle:
        if (reason := permission.refusal_to_purge(entry.action)) is not None:
            raise Refused(reason)


def _require_copy(
    tx: Transaction, permission: Permission, ending: Collection[tuple[int, int]], bundle: Sequence[JournalEntry]
) -> None:
    """Require that every picture of the bundle has a copy on disk, and read it now.

    Args:
        ending: (device, inode) of the files to be purged. A bind mount of a quarantine may show them in another root.

    Raises:
        Refused: one has no copy, or must not be purged for another reason.
    """
    _require_leave(permission, bundle)
    # The whole bundle of the plan: a picture that has already been purged still decides about its sidecar.
    together = tx.plans.bundle(bundle[0].plan_id, bundle[0].action.bundle)
    pictures = [action for action in together if action.kind is not None]
    if not pictures:
        raise Refused("no kept copy of it is known")
    for picture in pictures:
        if not any(is_still_there(copy, other_than=ending) for copy in permission.copies(picture)):
            raise Refused("no verified copy of it is left outside the quarantine")


def _ending(bundles: Sequence[list[JournalEntry]]) -> set[tuple[int, int]]:
    """(device, inode) of every file of these bundles that still exists."""
    found: set[tuple[int, int]] = set()
    for entry in itertools.chain.from_iterable(bundles):
        with suppress(OSError):
            status = os.lstat(resting_place(entry).absolute)
            found.add((status.st_dev, status.st_ino))
    return found


def _sift(
    bundles: Sequence[list[JournalEntry]], require: Callable[[Sequence[JournalEntry]], None]
) -> tuple[list[list[JournalEntry]], list[Outcome]]:
    """The bundles that meet the requirement, and an outcome for every file of the others."""
    allowed: list[list[JournalEntry]] = []
    kept: list[Outcome] = []
    for bundle in bundles:
        try:
            require(bundle)
        except (Refused, OSError) as error:
            kept += [_kept(entry, reason_of(error)) for entry in bundle]
        else:
            allowed.append(bundle)
    return allowed, kept


def _is_due(entry: JournalEntry, terms: Terms | None, now: float) -> bool:
    settled = entry.started_at if entry.settled_at is None else entry.settled_at
    return terms is not None and now - settled >= terms.retention_days * SECONDS_PER_DAY


def _kept(entry: JournalEntry, reason: str) -> Outcome:
    return Outcome(entry.action, Operation.PURGE, EntryState.FAILED, entry.target, reason)
