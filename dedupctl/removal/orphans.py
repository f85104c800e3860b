"""Files in a quarantine that the journal does not know: the catalog was lost, or came back from an older backup."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.refusal import Refused
from dedupctl.disk.root_marker import QUARANTINE
from dedupctl.disk.verification import digest_of
from dedupctl.domain import Action, Deed, EntryState, Intent, Plan, Root, Seen, Settlement, Terms, Verb
from dedupctl.paths import join
from dedupctl.policy.guards import offline_roots

POLICY_NAME = "found in quarantine"


def adopt_strays(catalog: Catalog, *, now: int) -> Plan | None:
    """Enter every unknown quarantined file into the journal, so that it can be restored; None if there is none.

    Nobody knows which copy was kept for it, so it will never be purged. The caller is `acting`.
    """
    with catalog.read() as tx:
        roots = tx.roots.all()
        offline = offline_roots(roots)
        found = {
            join(root.path, path): (root, path) for root in roots if root.id not in offline for path in _files(root)
        }
        known = tx.journal.rests_at(found) | {row.target for row in tx.journal.open() if row.target is not None}
    strays = [(root, path) for absolute, (root, path) in found.items() if absolute not in known]
    actions = [_action(number, root, path) for number, (root, path) in enumerate(strays, start=1)]
    adopted = [(action, place) for action, place in zip(actions, strays, strict=True) if action is not None]
    if not adopted:
        return None
    with catalog.write(durable=True) as tx:
        plan = tx.plans.add(POLICY_NAME, Terms(kinds=()), [action for action, _ in adopted], now)
        intents = [
            Intent(action, Deed.REMOVE, action.victim.absolute, join(root.path, path))
            for action, (_, (root, path)) in zip(plan.actions, adopted, strict=True)
        ]
        ids = tx.journal.intend(intents, now)
        tx.journal.settle((Settlement(id_, EntryState.DONE, "found there", resting=True) for id_ in ids), now)
    return plan


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
