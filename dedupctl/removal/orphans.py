"""Files in a quarantine that the journal does not know: the catalog was lost, or came back from an older backup."""

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
    """Enter every unknown quarantined file into the journal, so that it can be restored; None if there is none.

    Nobody knows which copy was kept for it, so it will never be purged. The caller is `acting`.
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
    """Unknown files in the quarantines of the roots that are online, each by its path relative to the root."""
    with catalog.read() as tx:
        roots = tx.roots.all()
        offline = offline_roots(roots)
        found = {
            join(root.path, path): (root, path) for root in roots if root.id not in offline for path in _files(root)
        }
        known = tx.journal.rests_at(found) | {row.target for row in tx.journal.open() if row.target is not None}
    return [place for absolute, place in found.items() if absolute not in known]


def lost_from_quarantine(catalog: Catalog) -> list[JournalEntry]:
    """Removed files that wait in a quarantine as the journal has it, but are not there, on roots that are online."""
    with catalog.read() as tx:
        waiting = [one for one in tx.journal.resting() if one.action.verb.quarantines]
        offline = {root: offline_reason(tx, root) is not None for root in {one.action.victim.root for one in waiting}}
    return [one for one in waiting if not offline[one.action.victim.root] and not _stands(one)]


def give_up(catalog: Catalog, lost: Collection[JournalEntry]) -> None:
    """The journal says of these files that they are no more. Should one come back, `restore` adopts it as a stray."""
    with catalog.write(durable=True) as tx:
        tx.journal.purged([one.action.id for one in lost])


def _stands(entry: JournalEntry) -> bool:
    """Somewhere between yes and no (a folder that may not be entered) it counts as there."""
    try:
        os.lstat(entry.target or b"")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _files(root: Root) -> Iterator[bytes]:
    """Paths, relative to the root, of what lies in its quarantine."""
    quarantine = join(root.path, QUARANTINE)
    for folder, _, names in os.walk(quarantine):
        for name in names:
            if not name.endswith(b".part"):
                yield os.path.relpath(os.path.join(folder, name), root.path)


def _action(number: int, root: Root, path: bytes) -> Action | None:
    """None for what is no file of ours: a link, or one that cannot be read now."""
    try:
        digest, identity = digest_of(root.path, path)
    except (OSError, Refused):
        return None
    _, _, original = path.removeprefix(QUARANTINE + b"/").partition(b"/")
    victim = Seen(root.path, original or path, identity, digest)
    return Action(number, Verb.QUARANTINE, victim, None, None, None, "found in the quarantine")
