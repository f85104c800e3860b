"""The journal: the intent of each action, committed before the disk is touched, and its outcome, committed after."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, LargeBinary, Row, Select, bindparam, func, insert, literal, select, update

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.ids import next_id
from dedupctl.catalog.plans import action_from_row
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import actions, journal, placed_copies, plans
from dedupctl.domain import EntryState, Identity, Intent, JournalEntry, Operation, Settlement, Verb
from dedupctl.paths import join


class Journal:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def intend(self, intents: Sequence[Intent], at: int) -> list[int]:
        """Record what is about to happen; returns the ids. The caller commits durably before touching the disk."""
        if not intents:
            return []
        first = next_id(self._connection, journal)
        ids = list(range(first, first + len(intents)))
        # Bypasses SQLAlchemy, which would take longer to bind the values than the disk takes to move the file.
        cursor = self._connection.connection.cursor()
        try:
            cursor.executemany(
                _INTEND,
                [
                    (id_, one.action.id, one.operation.value, one.source, one.target, one.replacement, at)
                    for id_, one in zip(ids, intents, strict=True)
                ],
            )
        finally:
            cursor.close()
        return ids

    def settle(self, settlements: Iterable[Settlement], at: int) -> None:
        ids_by_outcome: defaultdict[tuple[EntryState, str | None, bool], list[int]] = defaultdict(list)
        for one in settlements:
            ids_by_outcome[one.state, one.reason, one.resting].append(one.entry_id)
        # Most of a batch has the same outcome, so that one statement settles thousands of rows.
        for (state, reason, resting), ids in ids_by_outcome.items():
            outcome = update(journal).values(state=state.value, reason=reason, resting=resting, settled_at=at)
            for part in chunked(ids):
                self._connection.execute(outcome.where(journal.c.id.in_(part)))

    def retarget(self, entry_id: int, target: bytes) -> None:
        """Record another target than first intended, because that one is taken."""
        self._connection.execute(update(journal).where(journal.c.id == entry_id).values(target=target))

    def place(self, entry_id: int, copy: Identity) -> None:
        """Record the identity of a copy before it gets its name at the target. The caller commits durably first."""
        values = {"entry_id": entry_id, "identity": json.dumps(copy)}
        # A move to a name that was taken at the last moment is retried with another copy.
        self._connection.execute(insert(placed_copies).prefix_with("OR REPLACE").values(**values))

    def restored(self, action_ids: Collection[int]) -> None:
        """Record that the removals of these actions were undone."""
        self._leave_rest(action_ids, state=EntryState.UNDONE)

    def purged(self, action_ids: Collection[int]) -> None:
        """Record that the removed files of these actions no longer exist.

        A sidecar that was written with the words of one of them holds the only copy now: no restore may take it away.
        """
        self._leave_rest(action_ids, state=EntryState.DONE)
        rows = [{"action": action_id} for action_id in action_ids]
        if rows:
            self._connection.execute(update(journal).where(*_WRITTEN_WITH_ITS_WORDS).values(resting=False), rows)

    def open(self) -> list[JournalEntry]:
        """Intents without an outcome, oldest first: the process died between the two."""
        return self._entries(_SELECT.where(journal.c.state == EntryState.INTENDED).order_by(journal.c.id))

    def resting(self, *, plan_id: int | None = None, after: int = 0, limit: int | None = None) -> list[JournalEntry]:
        """Removals whose file still waits to be restored or purged, oldest first."""
        query = _SELECT.where(journal.c.resting, journal.c.id > after).order_by(journal.c.id).limit(limit)
        if plan_id is not None:
            query = query.where(actions.c.plan_id == plan_id)
        return self._entries(query)

    def rests_at(self, paths: Collection[bytes]) -> set[bytes]:
        """Which of these paths hold a removed file that is in the journal."""
        found: set[bytes] = set()
        for part in chunked(paths):
            query = select(journal.c.target).where(journal.c.resting, journal.c.target.in_(part))
            found |= set(self._connection.execute(query).scalars())
        return found

    def relying_on(self, keeper_digest: bytes) -> set[bytes]:
        """Digests of the contents that were removed, and perhaps purged, because a file of this content was kept.

        This includes contents whose keeper was later removed in favour of this content, which took over the promise
        made to them. Removing the last file of this content would break the promise made to all of them.
        """
        kept = select(literal(keeper_digest, LargeBinary).label("digest")).cte("kept", recursive=True)
        removed = _DONE_REMOVALS.join(kept, kept.c.digest == actions.c.keeper_digest)
        found = select(kept.union(removed).c.digest)
        return set(self._connection.execute(found).scalars()) - {keeper_digest}

    def replacements_at(self, root: bytes, path: bytes) -> set[bytes]:
        """What dedupctl itself has put in place of the file at this path; see `Intent.replacement`."""
        query = (
            select(journal.c.stand_in)
            .join(actions)
            .where(actions.c.victim_root == root, actions.c.victim_path == path)
            .where(
                journal.c.deed == Operation.REMOVE, journal.c.state == EntryState.DONE, journal.c.stand_in.is_not(None)
            )
        )
        return set(self._connection.execute(query).scalars())

    def links(self) -> list[tuple[bytes, bytes, bytes]]:
        """(root, path, target) of every symbolic link that replaces a removed file."""
        query = select(actions.c.victim_root, actions.c.victim_path, actions.c.keeper_root, actions.c.keeper_path)
        query = query.join(journal, journal.c.action_id == actions.c.id).where(actions.c.verb == Verb.SYMLINK)
        query = query.where(journal.c.deed == Operation.REMOVE, journal.c.state == EntryState.DONE)
        return [
            (row.victim_root, row.victim_path, join(row.keeper_root, row.keeper_path))
            for row in self._connection.execute(query)
        ]

    def restored_files(self) -> set[tuple[bytes, bytes]]:
        """(absolute path, digest) of every file that a person has restored; the path is where it was put."""
        query = select(journal.c.target, actions.c.victim_digest).join(actions, actions.c.id == journal.c.action_id)
        query = query.where(journal.c.deed == Operation.RESTORE, journal.c.state == EntryState.DONE)
        return {(row.target, row.victim_digest) for row in self._connection.execute(query)}

    def removed_by_root(self, plan_id: int) -> dict[bytes, int]:
        """The number of pictures, by root, that this plan has removed and that were not restored."""
        query = select(actions.c.victim_root, func.count()).join(journal, journal.c.action_id == actions.c.id)
        query = query.where(actions.c.plan_id == plan_id, *_PICTURE_REMOVED).group_by(actions.c.victim_root)
        return dict(self._connection.execute(query).all())

    def entries(
        self, *, plan_id: int | None = None, limit: int | None = None, before: int | None = None
    ) -> Iterator[JournalEntry]:
        """Everything that was done or attempted, newest first; with `before`, only entries older than that one."""
        query = _SELECT.order_by(journal.c.id.desc()).limit(limit)
        if plan_id is not None:
            query = query.where(actions.c.plan_id == plan_id)
        if before is not None:
            query = query.where(journal.c.id < before)
        for row in self._connection.execute(query):
            yield _entry(row)

    def saved_by_day(self) -> list[tuple[str, int]]:
        """(UTC date, bytes) of the pictures and companions that were removed and not restored, oldest first."""
        day = func.date(journal.c.settled_at, "unixepoch")
        size = func.json_extract(actions.c.victim_identity, "$[2]")
        query = select(day, func.sum(size)).select_from(journal.join(actions, journal.c.action_id == actions.c.id))
        query = query.where(journal.c.deed == Operation.REMOVE, journal.c.state == EntryState.DONE)
        return [(date, int(total)) for date, total in self._connection.execute(query.group_by(day).order_by(day))]

    def _leave_rest(self, action_ids: Collection[int], *, state: EntryState) -> None:
        rows = [{"action": action_id} for action_id in action_ids]
        if rows:
            change = update(journal).where(journal.c.action_id == bindparam("action"), journal.c.resting)
            self._connection.execute(change.values(resting=False, state=state.value), rows)

    def _entries(self, query: Select[Any]) -> list[JournalEntry]:
        return [_entry(row) for row in self._connection.execute(query)]


_INTEND = """
INSERT INTO journal (id, action_id, deed, state, source, target, stand_in, started_at, resting)
VALUES (?, ?, ?, 'intended', ?, ?, ?, ?, 0)
"""
_PICTURE_REMOVED = (
    actions.c.kind.is_not(None),
    journal.c.deed == Operation.REMOVE,
    journal.c.state == EntryState.DONE,
)
_SOURCE = actions.alias()
_WRITTEN_WITH_ITS_WORDS = (
    journal.c.resting,
    journal.c.action_id.in_(
        select(actions.c.id)
        .join(_SOURCE, (_SOURCE.c.plan_id == actions.c.plan_id) & (_SOURCE.c.bundle == actions.c.bundle))
        .where(_SOURCE.c.id == bindparam("action"), actions.c.verb == Verb.DESCRIBE)
        .where(actions.c.keeper_root == _SOURCE.c.victim_root, actions.c.keeper_path == _SOURCE.c.victim_path)
    ),
)
_DONE_REMOVALS: Select[Any] = (
    select(actions.c.victim_digest).join(journal, journal.c.action_id == actions.c.id).where(*_PICTURE_REMOVED)
)
_SELECT: Select[Any] = (
    select(
        actions,
        plans.c.policy,
        journal.c.id.label("entry_id"),
        *(column for column in journal.c if column.name not in ("id", "action_id")),
        placed_copies.c.identity.label("placed"),
    )
    .join(journal, journal.c.action_id == actions.c.id)
    .join(plans, plans.c.id == actions.c.plan_id)
    .outerjoin(placed_copies, placed_copies.c.entry_id == journal.c.id)
)


@decodes_rows_of("journal")
def _entry(row: Row[Any]) -> JournalEntry:
    return JournalEntry(
        id=row.entry_id,
        plan_id=row.plan_id,
        policy=row.policy,
        action=action_from_row(row),
        operation=Operation(row.deed),
        state=EntryState(row.state),
        source=row.source,
        target=row.target,
        replacement=row.stand_in,
        reason=row.reason,
        started_at=row.started_at,
        settled_at=row.settled_at,
        resting=row.resting,
        placed=None if row.placed is None else Identity(*json.loads(row.placed)),
    )
