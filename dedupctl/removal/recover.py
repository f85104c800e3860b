"""Settle what was cut off: every open row of the journal is compared with the disk, and becomes `done` or `failed`.

A removal that arrived whole and whose keeper still stands is done; any other is put back. A restore or purge is what
the disk says it is. A row whose root is offline stays open: its disk cannot be asked.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.folders import At, standing_at, sync_folders
from dedupctl.disk.moves import aside_name, discard, free_name, part_name, rename_exclusive, unlink_exactly
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.steps import Steps, uninterrupted
from dedupctl.disk.verification import is_still_there
from dedupctl.domain import Deed, EntryState, Identity, JournalEntry, Seen, Settlement
from dedupctl.errors import UsageError
from dedupctl.paths import lies_in, relative_to, split
from dedupctl.policy.guards import offline_reason
from dedupctl.removal.apply import forget_paths
from dedupctl.removal.destinations import AWAY, Place, drop_empty_folders, may_be_away
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.relocation import Removal, has_arrived, put_back, token_of
from dedupctl.removal.replacements import is_stand_in
from dedupctl.removal.restore import record_returned
from dedupctl.workspace import hold

LOCK_NAME = "apply.lock"


@contextmanager
def acting(home: Path, catalog: Catalog) -> Iterator[list[Outcome]]:
    """Hold the lock of all that touches pictures, and settle first what an earlier run left open.

    Not the workspace's lock: a daemon may index meanwhile, it sees what is done here as it sees any other change.

    Raises:
        LockHeld: another apply, restore or purge is at work.
        UsageError: this system cannot hold a folder open while a file in it is checked and moved.
    """
    if os.rename not in os.supports_dir_fd:
        raise UsageError("pictures are removed and put back on Linux and macOS only; this system lacks what is safe")
    with hold(home / LOCK_NAME, "acting on the pictures of"):
        yield recover(catalog)


def recover(catalog: Catalog, *, clock: Callable[[], float] = time.time, steps: Steps = uninterrupted) -> list[Outcome]:
    """Settle every open row that can be settled; the caller holds the lock. One outcome a row."""
    with catalog.read() as tx:
        rows = tx.journal.open()
    rows.sort(key=lambda row: (row.plan_id, row.deed, row.action.bundle, row.id))
    outcomes: list[Outcome] = []
    for _, group in itertools.groupby(rows, key=lambda row: (row.plan_id, row.deed, row.action.bundle)):
        outcomes += _Recovery(catalog, clock, steps).settle(list(group))
    return outcomes


class _Recovery:
    """The open rows of one bundle."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float], steps: Steps) -> None:
        self._catalog = catalog
        self._clock = clock
        self._steps = steps

    def settle(self, rows: Sequence[JournalEntry]) -> list[Outcome]:
        with self._catalog.read() as tx:
            reason = next(filter(None, (offline_reason(tx, row.action.victim.root) for row in rows)), None)
            bundle = tx.plans.bundle(rows[0].plan_id, rows[0].action.bundle)
        if reason is not None:
            return [_still_open(row, reason) for row in rows]
        if rows[0].deed is Deed.REMOVE:
            outcomes = self._removals(rows, may_be_done=len(rows) == len(bundle))
        else:
            outcomes = [self._restore(row) if row.deed is Deed.RESTORE else self._purge(row) for row in rows]
        sync_folders(split(place)[0] for row in rows for place in (row.source, row.target) if place is not None)
        self._write_down(rows, outcomes)
        return outcomes

    def _removals(self, rows: Sequence[JournalEntry], *, may_be_done: bool) -> list[Outcome]:
        """Not `may_be_done` where the rest of the bundle has been put back before: then this follows."""
        removals = [Removal.of(row, self._catalog.id) for row in rows if row.target is not None]
        assert len(removals) == len(rows), "an open removal without a target"
        whole = may_be_done and all(has_arrived(removal) for removal in removals)
        if whole and all(one.action.keeper is None or is_still_there(one.action.keeper) for one in removals):
            return [Outcome(one.action, Deed.REMOVE, EntryState.DONE, one.target.absolute) for one in removals]
        return [self._take_back(removal) for removal in reversed(removals)][::-1]

    def _take_back(self, removal: Removal) -> Outcome:
        try:
            where = put_back(removal, steps=self._steps)
        except (Refused, OSError) as error:
            reason = f"cut off, and it could not be put back yet: {reason_of(error)}"
            return Outcome(removal.action, Deed.REMOVE, EntryState.INTENDED, removal.target.absolute, reason)
        if where is None:
            reason = "cut off; it is neither at its place nor where it was meant to go"
        elif where == removal.action.victim.absolute:
            reason = "cut off; it is at its place"
        else:
            reason = f"cut off; it is now {os.fsdecode(where)}"
        return Outcome(removal.action, Deed.REMOVE, EntryState.FAILED, where, reason)

    def _restore(self, row: JournalEntry) -> Outcome:
        assert row.target is not None
        action, token = row.action, token_of(self._catalog.id, row.id)
        try:
            resting = _take_back_aside(_place(row, row.source), token)
            placed = _place(row, row.target)
            _discard_part(placed, token)
            arrived = _take_back_aside(placed, token)
            if resting and arrived and self._is_doubled(row, token):
                resting = False
        except (Refused, OSError) as error:
            return _still_open(row, reason_of(error))
        if resting:
            return Outcome(action, Deed.RESTORE, EntryState.FAILED, row.source, "cut off; it still waits")
        if arrived:
            return Outcome(action, Deed.RESTORE, EntryState.DONE, row.target)
        if may_be_away(action.verb, _place(row, row.source)):
            return _still_open(row, AWAY)
        return Outcome(action, Deed.RESTORE, EntryState.FAILED, None, "cut off; it is in neither place any more")

    def _is_doubled(self, row: JournalEntry, token: bytes) -> bool:
        """Cut off between the two halves of a move: what was restored is whole, the other name or copy is ended."""
        resting, placed = _place(row, row.source), _place(row, row.target or b"")
        victim = row.action.victim
        if row.stand_in is not None and _stands_in(placed, row.stand_in):
            return False
        whole = is_still_there(Seen(placed.base, placed.relative, victim.identity, victim.digest))
        same = is_still_there(Seen(resting.base, resting.relative, victim.identity, victim.digest))
        if not (whole and same):
            return False
        with standing_at(placed.base, placed.relative) as at:
            ours = Identity.of(at.status())
        # A copy keeps the time of the original; a file of the same bytes that a person made has its own.
        if ours.mtime_ns != victim.identity.mtime_ns:
            return False
        with standing_at(resting.base, resting.relative) as at:
            unlink_exactly(at, Identity.of(at.status()), token=token, steps=self._steps)
        return True

    def _purge(self, row: JournalEntry) -> Outcome:
        place = _place(row, row.source)
        try:
            resting = _take_back_aside(place, token_of(self._catalog.id, row.id))
        except (Refused, OSError) as error:
            return _still_open(row, reason_of(error))
        if resting:
            return Outcome(row.action, Deed.PURGE, EntryState.FAILED, row.source, "cut off; it still waits")
        drop_empty_folders(place)
        return Outcome(row.action, Deed.PURGE, EntryState.DONE, None)

    def _write_down(self, rows: Sequence[JournalEntry], outcomes: Sequence[Outcome]) -> None:
        ended = [(row, one) for row, one in zip(rows, outcomes, strict=True) if one.state is not EntryState.INTENDED]
        now = int(self._clock())
        with self._catalog.write(durable=True) as tx:
            tx.journal.settle(
                (
                    Settlement(row.id, one.state, one.reason, resting=one.done and row.deed is Deed.REMOVE)
                    for row, one in ended
                ),
                now,
            )
            done = [one for _, one in ended if one.done]
            tx.journal.restored([one.action.id for one in done if one.deed is Deed.RESTORE])
            lost = [one for _, one in ended if one.where is None and one.deed is not Deed.REMOVE]
            tx.journal.purged([one.action.id for one in lost])
            for one in done:
                if one.deed is Deed.REMOVE:
                    forget_paths(tx, {one.action.victim.root: [one.action.victim.path]}, now)
            record_returned(tx, [one for one in done if one.deed is Deed.RESTORE])


def _place(row: JournalEntry, path: bytes) -> Place:
    """Below the root where it lies there, so that no symlink is followed on the way."""
    root = row.action.victim.root
    return Place(root, relative_to(path, root)) if lies_in(path, root) else Place(*split(path))


def _take_back_aside(place: Place, token: bytes) -> bool:
    """Give a file on its way out its name back; returns whether it stands there."""
    try:
        with standing_at(place.base, place.relative) as at:
            aside = At(at.folder, aside_name(token))
            if aside.exists():
                rename_exclusive(aside, At(at.folder, free_name(at.folder, at.name)))
            return at.exists()
    except FileNotFoundError:
        return False


def _stands_in(place: Place, stand_in: bytes) -> bool:
    with standing_at(place.base, place.relative) as at:
        return is_stand_in(at, stand_in)


def _discard_part(place: Place, token: bytes) -> None:
    try:
        with standing_at(place.base, place.relative) as at:
            discard(At(at.folder, part_name(token)))
    except FileNotFoundError:
        return


def _still_open(row: JournalEntry, reason: str) -> Outcome:
    return Outcome(row.action, row.deed, EntryState.INTENDED, row.target, reason)
