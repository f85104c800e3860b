"""Put removed files back: at their old path, or beside it if that is taken; never over another file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.disk.folders import At, standing_at, sync_folders
from dedupctl.disk.moves import free_name, move, same_file, unlink_exactly
from dedupctl.disk.ownership import holds, is_file, is_inode
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.replacements import is_replacement
from dedupctl.disk.steps import Step, Steps, uninterrupted
from dedupctl.disk.trash import Trashed
from dedupctl.disk.verification import is_still_there
from dedupctl.domain import EntryState, Identity, Intent, JournalEntry, Operation, Seen, Settlement, Verb
from dedupctl.paths import is_or_lies_in, join, relative_to, split
from dedupctl.policy.guards import offline_reason
from dedupctl.removal.description import take_back_sidecar
from dedupctl.removal.destinations import AWAY, drop_empty_folders, may_be_away, resting_place
from dedupctl.removal.outcome import Outcome, Progress, unwatched
from dedupctl.removal.relocation import Removal, token_of

BATCH_ENTRIES = 256


def restorable(catalog: Catalog, *, plan_id: int | None = None, path: bytes | None = None) -> list[JournalEntry]:
    """Removed files that can be restored, most recently removed first, with the rest of their bundles.

    With `path` (absolute): only those that were at or below it, or are quarantined there.
    """
    with catalog.read() as tx:
        waiting = tx.journal.resting(plan_id=plan_id)
    if path is not None:
        bundles = {_bundle(one) for one in waiting if _concerns(one, path)}
        waiting = [one for one in waiting if _bundle(one) in bundles]
    return waiting[::-1]


def restore(
    catalog: Catalog,
    entries: Sequence[JournalEntry],
    *,
    clock: Callable[[], float] = time.time,
    steps: Steps = uninterrupted,
    progress: Progress = unwatched,
) -> list[Outcome]:
    """Put these files back; the caller holds `acting`. A file that could not be has an outcome that is not `done`."""
    outcomes: list[Outcome] = []
    for start in range(0, len(entries), BATCH_ENTRIES):
        outcomes += _Restore(catalog, clock, steps).carry_out(entries[start : start + BATCH_ENTRIES])
        progress(len(outcomes), len(entries))
    return outcomes


class _Restore:
    """One batch."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float], steps: Steps) -> None:
        self._catalog = catalog
        self._clock = clock
        self._steps = steps
        self._away: set[int] = set()
        self._returned: list[Outcome] = []

    def carry_out(self, entries: Sequence[JournalEntry]) -> list[Outcome]:
        with self._catalog.write(durable=True) as tx:
            reasons = {entry.id: offline_reason(tx, entry.action.victim.root) for entry in entries}
            going = [entry for entry in entries if reasons[entry.id] is None]
            intents = [
                Intent(
                    one.action,
                    Operation.RESTORE,
                    resting_place(one).absolute,
                    one.action.victim.absolute,
                    one.replacement,
                )
                for one in going
            ]
            ids = tx.journal.intend(intents, int(self._clock()))
        self._steps(Step.INTENDED)
        # Checked before the first file is moved: a restore may leave a folder empty.
        self._away = {one.id for one in going if may_be_away(one.action.verb, resting_place(one))}
        ended = self._returned = []
        for entry, entry_id in zip(going, ids, strict=True):
            ended.append(self._put_back(entry, entry_id))
        sync_folders(
            split(path)[0]
            for entry, one in zip(going, ended, strict=True)
            for path in (resting_place(entry).absolute, one.where)
            if path is not None
        )
        self._steps(Step.SYNCED)
        with self._catalog.write(durable=True) as tx:
            self._settle(tx, ids, ended)
        self._steps(Step.SETTLED)
        for entry in going:
            drop_empty_folders(resting_place(entry))
        left = [_stays(entry, str(reasons[entry.id])) for entry in entries if reasons[entry.id] is not None]
        return ended + left

    def _put_back(self, entry: JournalEntry, entry_id: int) -> Outcome:
        if entry.action.verb is Verb.DESCRIBE:
            return self._take_away(entry, entry_id)
        try:
            where = self._move_back(entry, entry_id)
        except FileNotFoundError:
            if entry.id in self._away:
                return _stays(entry, AWAY)
            if not os.path.lexists(resting_place(entry).absolute):
                return Outcome(entry.action, Operation.RESTORE, EntryState.FAILED, None, "it is not there any more")
            return _stays(entry, "its folder could not be made again")
        except (Refused, OSError) as error:
            return _stays(entry, reason_of(error))
        beside = None if where == entry.action.victim.absolute else "its place was taken"
        return Outcome(entry.action, Operation.RESTORE, EntryState.DONE, where, beside)

    def _move_back(self, entry: JournalEntry, entry_id: int) -> bytes:
        """Returns the absolute path of the file now."""
        resting, victim = resting_place(entry), entry.action.victim
        token = token_of(self._catalog.id, entry_id)

        def note(copy: Identity) -> None:
            with self._catalog.write(durable=True) as tx:
                tx.journal.place(entry_id, copy)

        with (
            standing_at(resting.base, resting.relative) as source,
            standing_at(victim.root, victim.path, create_like=resting.absolute) as place,
        ):
            found = Identity.of(source.status())
            _require_removed_file(entry, source)
            self._clear_replacement(entry, place, found, token)
            while True:
                target = At(place.folder, free_name(place.folder, place.name))
                path = join(victim.root, split(victim.path)[0], target.name)
                if target.name != place.name:
                    with self._catalog.write(durable=True) as tx:
                        tx.journal.retarget(entry_id, path)
                self._steps(Step.MOVING)
                try:
                    move(source, target, found, token=token, steps=self._steps, note=note, from_ours=True)
                except FileExistsError:
                    # Somebody has just taken this name: try the next free one.
                    continue
                break
        if entry.action.verb is Verb.TRASH:
            Trashed(resting.absolute, victim.absolute, entry.started_at).forget_restored()
        self._steps(Step.MOVED)
        return path

    def _take_away(self, entry: JournalEntry, entry_id: int) -> Outcome:
        """The sidecar that was written for the kept copy, once the file whose words it holds is back."""
        assert entry.action.keeper is not None, "words of no file"
        try:
            if not self._is_back(entry.action.keeper):
                source = os.fsdecode(entry.action.keeper.absolute)
                return _stays(entry, f"{source}, whose words it holds, is not back; so it stays")
            self._steps(Step.MOVING)
            settled = take_back_sidecar(Removal.of(entry, self._catalog.id, entry_id), steps=self._steps)
        except (Refused, OSError) as error:
            return _stays(entry, reason_of(error))
        self._steps(Step.MOVED)
        edited = None if settled.stranger is None else "it was edited since, or is another file; it stays"
        return Outcome(entry.action, Operation.RESTORE, EntryState.DONE, settled.stranger, edited)

    def _is_back(self, source: Seen) -> bool:
        """It stands at its place, or where a restore has put it."""
        if is_still_there(source):
            return True
        with self._catalog.read() as tx:
            places = [where for where, digest in tx.journal.restored_files() if digest == source.digest]
        places += [
            one.where
            for one in self._returned
            if one.done and one.where is not None and one.action.victim.digest == source.digest
        ]
        return any(is_still_there(Seen(*split(where), source.identity, source.digest)) for where in places)

    def _clear_replacement(self, entry: JournalEntry, place: At, resting: Identity, token: bytes) -> None:
        """Take away the link or merged sidecar that dedupctl put there, if it is just as it was put."""
        if entry.replacement is None or not place.exists():
            return
        standing = Identity.of(place.status())
        if not same_file(standing, resting) and is_replacement(place, entry.replacement):
            unlink_exactly(place, standing, token=token, steps=self._steps)

    def _settle(self, tx: Transaction, ids: Sequence[int], ended: Sequence[Outcome]) -> None:
        now = int(self._clock())
        tx.journal.settle(
            (Settlement(entry_id, one.state, one.reason) for entry_id, one in zip(ids, ended, strict=True)), now
        )
        tx.journal.restored([one.action.id for one in ended if one.done])
        tx.journal.purged([one.action.id for one in ended if one.where is None])
        record_returned(tx, [one for one in ended if one.done])


def _require_removed_file(entry: JournalEntry, at: At) -> None:
    """In a folder of the user, another file may have taken the name since, and must not be moved.

    Raises:
        Refused: another file is there, or the removed file has been edited there.
    """
    victim = entry.action.victim
    if any(one is not None and is_file(at, one) for one in (victim.identity, entry.placed)):
        return
    if entry.action.verb.quarantines and is_inode(at, victim.identity):
        return
    if not holds(at, victim.digest):
        raise Refused("what stands there now is not the file that was removed, or was edited since; it stays there")


def record_returned(tx: Transaction, returned: Sequence[Outcome]) -> None:
    """Record the returned files: the catalog need not wait for a scan, because it has read their bytes before."""
    sightings = []
    for outcome in returned:
        victim = outcome.action.victim
        root, content_id = tx.roots.at(victim.root), tx.contents.id_of(victim.digest)
        if root is None or content_id is None or outcome.where is None:
            continue
        try:
            identity = Identity.of(os.lstat(outcome.where))
        except OSError:
            continue
        if identity.size == victim.identity.size and identity.mtime_ns == victim.identity.mtime_ns:
            relative = relative_to(outcome.where, victim.root)
            sightings.append(Sighting(root.id, relative, identity, content_id))
    tx.files.record(sightings)


def _bundle(entry: JournalEntry) -> tuple[int, int]:
    return entry.plan_id, entry.action.bundle


def _concerns(entry: JournalEntry, path: bytes) -> bool:
    places = (entry.action.victim.absolute, resting_place(entry).absolute)
    return any(is_or_lies_in(place, path) for place in places)


def _stays(entry: JournalEntry, reason: str) -> Outcome:
    return Outcome(entry.action, Operation.RESTORE, EntryState.FAILED, entry.target, reason)
