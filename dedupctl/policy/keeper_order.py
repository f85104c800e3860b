"""The keeper order of a policy: its rules, and what a person said about folders."""

from __future__ import annotations

from collections.abc import Callable

from dedupctl.catalog.catalog import Transaction
from dedupctl.config import PolicyConfig
from dedupctl.matching.keeper import KeeperOrder, Places
from dedupctl.policy.protection import Protection


def keeper_order(
    tx: Transaction,
    policy: PolicyConfig,
    *,
    chosen: int | None = None,
    reference_folder: Callable[[bytes], bool] = lambda _path: False,
) -> KeeperOrder:
    """The order in which the policy prefers copies now.

    Args:
        chosen: the id of the file that a person wants to keep; it comes before every rule.
        reference_folder: true for absolute paths that count as those of a reference root, too.
    """
    references = {root.id for root in tx.roots.all() if root.reference}
    places = Places(
        protected=Protection(tx.protected.all()).covers,
        reference=lambda one: one.file.root_id in references or reference_folder(one.path),
        path_priority=policy.path_priority,
        chosen=chosen,
    )
    return KeeperOrder(policy.keep, places)
