"""May this action still happen? Asked in the transaction that writes down the intent: all said before it counts."""

from __future__ import annotations

from collections.abc import Mapping

from dedupctl.catalog.catalog import Transaction
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import Checked
from dedupctl.domain import Action, PairKind, Terms
from dedupctl.policy.guards import keeper_unfit, offline_reason
from dedupctl.policy.link_targets import LinkTargets
from dedupctl.policy.promise import broken_by
from dedupctl.policy.protection import Protection
from dedupctl.system_folders import in_system_folder


class Permission:
    """Roots, protections, verdicts and pairs as they are in one transaction, and what was just read from the disk."""

    def __init__(self, tx: Transaction, terms: Terms, results: Mapping[int, Checked | Refused]) -> None:
        self._tx = tx
        self._terms = terms
        self._results = results
        self._protection = Protection(tx.protected.all())
        self._leaning = LinkTargets(tx)
        self._references = {root.path for root in tx.roots.all() if root.reference}
        self._offline: dict[bytes, str | None] = {}

    def require(self, action: Action) -> Checked:
        """What was read of victim and keeper.

        Raises:
            Refused: the victim must stay; the text says why.
        """
        # Before what came of reading: on a disk that is away every file is merely "not found".
        if (reason := self._root_forbids(action)) is not None:
            raise Refused(reason)
        result = self._results[action.id]
        if isinstance(result, Refused):
            raise result
        reason = (
            self._leaning.on(action.victim.absolute) or _unfit(action) or broken_by(self._tx, action, self._terms.kinds)
        )
        if reason is None and self._protection.covers(action.victim.absolute):
            reason = "it is protected"
        if reason is not None:
            raise Refused(reason)
        _assert_promise(action, result)
        return result

    def _root_forbids(self, action: Action) -> str | None:
        if action.victim.root in self._references:
            return "it lies in a reference root"
        roots = (action.victim.root, *((action.keeper.root,) if action.keeper else ()))
        for root in roots:
            if root not in self._offline:
                self._offline[root] = offline_reason(self._tx, root)
        return next((self._offline[root] for root in roots if self._offline[root] is not None), None)


def _unfit(action: Action) -> str | None:
    return None if action.kind is None or action.keeper is None else keeper_unfit(action.keeper.absolute)


def _assert_promise(action: Action, checked: Checked) -> None:
    """The promise beside the decision: a picture goes only for a keeper, another file, that was read a moment ago."""
    if action.kind is None:
        return
    assert action.keeper is not None, "a picture without a kept copy"
    assert checked.keeper is not None, "the kept copy was not read in this run"
    assert not in_system_folder(action.keeper.absolute), "a bin or a snapshot keeps nothing"
    assert action.kind is not PairKind.SIMILAR, "a rule may not remove what is only similar"
    assert checked.keeper[:2] != checked.victim[:2], "the kept copy itself under another name"
    assert action.kind is not PairKind.EXACT or checked.keeper.size == checked.victim.size, "not the same bytes"
