"""Orphans: files in a quarantine that the journal does not know, because the catalog was lost or came from a backup."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.refusal import Refused
from dedupctl.disk.root_marker import QUARANTINE
from dedupctl.disk.verification import digest_of
from dedupctl.domain import (
    Action,
    EntryState,
    Intent,
    JournalEntry,
    Operation,
    Plan,
    Root,
    Seen,
    Settlement,
    Terms,
    Verb,
)
from dedupctl.paths import join
from dedupctl.policy.guards import offline_reason, offline_roots

POLICY_NAME = "found in quarantine"


def adopt_orphans(catalog: Catalog, *, now: int) -> Plan | None:
    """Enter every orphan into the journal, so that it can be restored; None if there is none.

    Its kept copy is unknown, so it will never be purged. The caller holds `acting`.
    """
    found = orphans(catalog)
    actions = [_action(number, root, path) for number, (root, path) in enumerate(found, start=1)]
    adopted = [(action, place) for action, place in zip(actions, found, strict=True) if action is not None]
    if not adopted:
        return None
    with catalog.write(durable=True) as tx:
        plan = tx.plans.add(POLICY_NAME, Terms(kinds=()), [action for action, _ in adopted], now)
        intents = [
            Intent(action, Operation.REMOVE, action.victim.absolute, join(root.path, path))
            for action, (_, (root, path)) in zip(plan.actions, adopted, strict=True)
        ]
        ids = tx.journal.intend(intents, now)
        tx.journal.settle((Settlement(id_, EntryState.DONE, "found there", resting=True) for id_ in ids), now)
    return plan


def orphans(catalog: Catalog) -> list[tuple[Root, bytes]]:
    """The orphans in the quarantines of all online roots, each as its root and its path relative to it."""
    with catalog.read() as tx:
        roots = tx.roots.all()
        offline = offline_roots(roots)
        found = {
            join(root.path, path): (root, path) for root in roots if root.id not in offline for path in _files(root)
        }
        known = tx.journal.rests_at(found) | {row.target for row in tx.journal.open() if row.target is not None}
    return [place for absolute, place in found.items() if absolute not in known]


def lost_from_quarantine(catalog: Catalog) -> list[JournalEntry]:
    """Removed files that should be in a quarantine according to the journal but are not; only of online roots."""
    with catalog.read() as tx:
        waiting = [one for one in tx.journal.resting() if one.action.verb.quarantines]
        offline = {root: offline_reason(tx, root) is not None for root in {one.action.victim.root for one in waiting}}
    return [one for one in waiting if not offline[one.action.victim.root] and not _stands(one)]


def give_up(catalog: Catalog, lost: Collection[JournalEntry]) -> None:
    """Record in the journal that these files no longer exist. Should one come back, it is adopted as an orphan."""
    with catalog.write(durable=True) as tx:
        tx.journal.purged([one.action.id for one in lost])


def _stands(entry: JournalEntry) -> bool:
    """Whether the file exists; it counts as existing when that cannot be determined, as in a folder without access."""
    try:
        os.lstat(entry.target or b"")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _files(root: Root) -> Iterator[bytes]:
    """The paths of the files in the quarantine of a root, relative to the root."""
    quarantine = join(root.path, QUARANTINE)
    for folder, _, names in os.walk(quarantine):
        for name in names:
            if not name.endswith(b".part"):
                yield os.path.relpath(os.path.join(folder, name), root.path)


def _action(number: int, root: Root, path: bytes) -> Action | None:
    """None for what cannot be adopted: a link, or a file that cannot be read now."""
    try:
        digest, identity = digest_of(root.path, path)
    except (OSError, Refused):
        return None
    _, _, original = path.removeprefix(QUARANTINE + b"/").partition(b"/")
    victim = Seen(root.path, original or path, identity, digest)
    return Action(number, Verb.QUARANTINE, victim, None, None, None, "found in the quarantine")
