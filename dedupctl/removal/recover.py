"""Settle interrupted operations: compare every open row of the journal with the disk, and mark it `done` or `failed`.

A removal is done if it is complete and its keeper still exists; any other is put back. The state of a restore or purge
is read from the disk. A row whose root is offline stays open, because its disk cannot be read.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.folders import At, standing_at, sync_folders
from dedupctl.disk.leftovers import discard_part, take_back_aside
from dedupctl.disk.moves import unlink_exactly
from dedupctl.disk.ownership import holds, is_file, is_inode
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.replacements import is_replacement
from dedupctl.disk.steps import Steps, uninterrupted
from dedupctl.disk.trash import Trashed
from dedupctl.disk.verification import is_still_there
from dedupctl.domain import EntryState, Identity, JournalEntry, Operation, Settlement, Verb
from dedupctl.errors import DedupctlError, StoreError, UsageError
from dedupctl.paths import lies_in, relative_to, split
from dedupctl.policy.guards import offline_reason
from dedupctl.removal.apply import forget_paths
from dedupctl.removal.description import stands_as_written, stands_still, take_back_sidecar, why_not_written
from dedupctl.removal.destinations import AWAY, Place, drop_empty_folders, may_be_away
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.relocation import Removal, has_arrived, put_back, token_of
from dedupctl.removal.restore import record_returned
from dedupctl.workspace import hold

LOCK_NAME = "apply.lock"


@contextmanager
def acting(home: Path, catalog: Catalog) -> Iterator[list[Outcome]]:
    """Hold the lock that every operation on pictures needs, and first settle what an earlier run left open.

    This is not the lock of the workspace: a daemon may index meanwhile and sees our changes like any others.

    Raises:
        LockHeld: another apply, restore or purge is at work.
        UsageError: this system cannot keep a folder open while a file in it is checked and moved.
    """
    if os.rename not in os.supports_dir_fd:
        raise UsageError("pictures can be removed and put back safely on Linux and macOS only")
    with hold(home / LOCK_NAME, "acting on the pictures of"):
        yield recover(catalog)


def recover(catalog: Catalog, *, clock: Callable[[], float] = time.time, steps: Steps = uninterrupted) -> list[Outcome]:
    """Settle every open row that can be settled; the caller holds the lock. Returns one outcome per row."""
    with catalog.read() as tx:
        rows = tx.journal.open()
    rows.sort(key=lambda row: (row.plan_id, row.operation, row.action.bundle, row.id))
    outcomes: list[Outcome] = []
    for _, group in itertools.groupby(rows, key=lambda row: (row.plan_id, row.operation, row.action.bundle)):
        outcomes += _settle(_Recovery(catalog, clock, steps), list(group))
    return outcomes


def _settle(recovery: _Recovery, rows: Sequence[JournalEntry]) -> list[Outcome]:
    """A failing disk or a swapped folder must not keep the rest of the journal from being settled."""
    try:
        return recovery.settle(rows)
    except StoreError:
        raise
    except (OSError, Refused) as error:
        return [_still_open(row, reason_of(error)) for row in rows]
    except DedupctlError as error:
        return [_still_open(row, str(error)) for row in rows]


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
        if rows[0].operation is Operation.REMOVE:
            outcomes = self._removals(rows, may_be_done=len(rows) == len(bundle))
        else:
            outcomes = [self._restore(row) if row.operation is Operation.RESTORE else self._purge(row) for row in rows]
        sync_folders(split(place)[0] for row in rows for place in (row.source, row.target) if place is not None)
        self._write_down(rows, outcomes)
        return outcomes

    def _removals(self, rows: Sequence[JournalEntry], *, may_be_done: bool) -> list[Outcome]:
        """`may_be_done` is False if the rest of the bundle has already been put back: then these rows follow."""
        removals = [Removal.of(row, self._catalog.id) for row in rows if row.target is not None]
        assert len(removals) == len(rows), "an open removal without a target"
        whole = may_be_done and all(_is_done(removal) for removal in removals)
        # What words were taken from is gone by then, with the rest of its bundle.
        keepers = [one.action.keeper for one in removals if one.action.verb is not Verb.DESCRIBE]
        if whole and all(keeper is None or is_still_there(keeper) for keeper in keepers):
            return [Outcome(one.action, Operation.REMOVE, EntryState.DONE, one.target.absolute) for one in removals]
        return [self._take_back(removal) for removal in reversed(removals)][::-1]

    def _take_back(self, removal: Removal) -> Outcome:
        try:
            undo = take_back_sidecar if removal.action.verb is Verb.DESCRIBE else put_back
            settled = undo(removal, steps=self._steps)
        except (Refused, OSError) as error:
            reason = f"cut off, and it could not be put back yet: {reason_of(error)}"
            return Outcome(removal.action, Operation.REMOVE, EntryState.INTENDED, removal.target.absolute, reason)
        home = removal.action.victim.absolute
        where = why_not_written(settled) if removal.action.verb is Verb.DESCRIBE else settled.in_words(home)
        reason = f"cut off; {where}"
        return Outcome(removal.action, Operation.REMOVE, EntryState.FAILED, settled.where, reason)

    def _restore(self, row: JournalEntry) -> Outcome:
        assert row.target is not None
        if row.action.verb is Verb.DESCRIBE:
            return self._restore_of_written(row)
        action, cut_off = row.action, _CutOff(row, token_of(self._catalog.id, row.id))
        try:
            with _at_if_there(_place(row, row.source)) as resting, _at_if_there(_place(row, row.target)) as placed:
                cut_off.tidy(resting, placed)
                cut_off.tidy(placed, resting)
                waits = resting is not None and resting.exists()
                arrived = placed is not None and placed.exists() and cut_off.is_removed_file(placed)
                if resting is not None and placed is not None and waits and arrived:
                    waits = not cut_off.end_double(resting, placed, self._steps)
        except (Refused, OSError) as error:
            return _still_open(row, reason_of(error))
        if waits:
            return Outcome(action, Operation.RESTORE, EntryState.FAILED, row.source, "cut off; it still waits")
        if arrived:
            if action.verb is Verb.TRASH:
                Trashed(row.source, action.victim.absolute, row.started_at).forget_restored()
            return Outcome(action, Operation.RESTORE, EntryState.DONE, row.target)
        if may_be_away(action.verb, _place(row, row.source)):
            return _still_open(row, AWAY)
        return Outcome(action, Operation.RESTORE, EntryState.FAILED, None, "cut off; it is in neither place any more")

    def _restore_of_written(self, row: JournalEntry) -> Outcome:
        try:
            waits = stands_still(Removal.of(row, self._catalog.id))
        except (Refused, OSError) as error:
            return _still_open(row, reason_of(error))
        if waits:
            return Outcome(
                row.action, Operation.RESTORE, EntryState.FAILED, row.target, "cut off; it still stands there"
            )
        return Outcome(row.action, Operation.RESTORE, EntryState.DONE, None)

    def _purge(self, row: JournalEntry) -> Outcome:
        place = _place(row, row.source)
        cut_off = _CutOff(row, token_of(self._catalog.id, row.id))
        try:
            with _at_if_there(place) as resting:
                cut_off.tidy(resting, None)
                waits = resting is not None and resting.exists()
        except (Refused, OSError) as error:
            return _still_open(row, reason_of(error))
        if waits:
            return Outcome(row.action, Operation.PURGE, EntryState.FAILED, row.source, "cut off; it still waits")
        drop_empty_folders(place)
        return Outcome(row.action, Operation.PURGE, EntryState.DONE, None)

    def _write_down(self, rows: Sequence[JournalEntry], outcomes: Sequence[Outcome]) -> None:
        ended = [(row, one) for row, one in zip(rows, outcomes, strict=True) if one.state is not EntryState.INTENDED]
        now = int(self._clock())
        with self._catalog.write(durable=True) as tx:
            tx.journal.settle(
                (
                    Settlement(row.id, one.state, one.reason, resting=one.done and row.operation is Operation.REMOVE)
                    for row, one in ended
                ),
                now,
            )
            done = [one for _, one in ended if one.done]
            tx.journal.restored([one.action.id for one in done if one.operation is Operation.RESTORE])
            lost = [one for _, one in ended if one.where is None and one.operation is not Operation.REMOVE]
            tx.journal.purged([one.action.id for one in lost])
            for one in done:
                if one.operation is Operation.REMOVE:
                    forget_paths(tx, {one.action.victim.root: [one.action.victim.path]}, now)
            record_returned(tx, [one for one in done if one.operation is Operation.RESTORE])


def _is_done(removal: Removal) -> bool:
    if removal.action.verb is Verb.DESCRIBE:
        return stands_as_written(removal)
    return has_arrived(removal)


@dataclass(frozen=True, slots=True)
class _CutOff:
    """An interrupted restore or purge: tells which of the files on the disk are the removed file or copies of it."""

    row: JournalEntry
    token: bytes

    def tidy(self, at: At | None, other: At | None) -> None:
        if at is not None:
            take_back_aside(at, self.token, self._may_be_aside)
            discard_part(at, self.token, other, self._is_the_copy)

    def is_removed_file(self, at: At) -> bool:
        """Whether it is the removed file itself, edited since or not, or holds its bytes."""
        inodes = (one for one in (self.row.action.victim.identity, self.row.placed) if one is not None)
        return any(is_inode(at, one) for one in inodes) or holds(at, self.row.action.victim.digest)

    def end_double(self, resting: At, placed: At, steps: Steps) -> bool:
        """If a move was interrupted halfway, keep the restored file and delete the other name or copy.

        Not if a person has put a file with the same bytes at the old place: then the removed file still waits.
        """
        found = Identity.of(resting.status())
        one_file = found[:2] == Identity.of(placed.status())[:2]
        digest = self.row.action.victim.digest
        # Our copy keeps the time of the file; a file with the same bytes that a person put there has its own.
        waits = found.mtime_ns == self.row.action.victim.identity.mtime_ns and holds(resting, digest)
        doubled = one_file or (waits and self._is_the_copy(placed) and holds(placed, digest))
        if doubled:
            unlink_exactly(resting, found, token=self.token, steps=steps)
        return doubled

    def _is_the_copy(self, at: At) -> bool:
        return self.row.placed is not None and is_file(at, self.row.placed)

    def _may_be_aside(self, at: At) -> bool:
        mark = self.row.replacement
        return self.is_removed_file(at) or (mark is not None and is_replacement(at, mark))


def _place(row: JournalEntry, path: bytes) -> Place:
    """The path as a place: relative to the root if it is in the root, so that no symlink is followed on the way."""
    root = row.action.victim.root
    return Place(root, relative_to(path, root)) if lies_in(path, root) else Place(*split(path))


@contextmanager
def _at_if_there(place: Place) -> Iterator[At | None]:
    """The place in its open folder; None if that folder is missing."""
    with ExitStack() as stack:
        try:
            at = stack.enter_context(standing_at(place.base, place.relative))
        except FileNotFoundError:
            at = None
        yield at


def _still_open(row: JournalEntry, reason: str) -> Outcome:
    return Outcome(row.action, row.operation, EntryState.INTENDED, row.target, reason)
