"""May this file be removed? One answer for a plan, for a person's choice, at the moment of removal, and before a purge.

Every caller asks in a transaction of its own: roots, protections, links, verdicts and pairs count as they are at that
moment. The promise is asserted beside the answer, so that a mistake elsewhere ends the run and not a picture.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dedupctl.catalog.catalog import Transaction
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import Checked
from dedupctl.domain import Action, PairKind, Seen
from dedupctl.policy.guards import keeper_unfit, offline_reason
from dedupctl.policy.link_targets import LinkTargets
from dedupctl.policy.promise import broken_by, pair_stands
from dedupctl.policy.protection import Protection
from dedupctl.system_folders import in_system_folder


class Permission:
    """Decides by what one transaction sees. `kinds` are the kinds of pair for which files may be removed."""

    def __init__(self, tx: Transaction, kinds: Collection[PairKind]) -> None:
        self._tx = tx
        self._kinds = kinds
        self._protection = Protection(tx.protected.all())
        self._links = LinkTargets(tx)
        self._roots = {root.id: root for root in tx.roots.all()}
        self._references = {root.path for root in self._roots.values() if root.reference}
        self._offline: dict[bytes, str | None] = {}

    def refusal(self, action: Action) -> str | None:
        """Why the victim must stay, in words; None if it may be removed in favour of this keeper."""
        victim, keeper = action.victim, action.keeper
        if not action.verb.removes:
            return self._root_refuses(action)
        reason = self._root_refuses(action) or self._protection_refuses(victim)
        if reason is None and action.kind is not None and keeper is not None and _are_one_file(victim, keeper):
            reason = "it is one more name of the kept copy: removing it frees nothing"
        reason = reason or self._links.on(victim.absolute) or _unfit(action) or broken_by(self._tx, action, self._kinds)
        if reason is None:
            _assert_promise(action)
        return reason

    def require(self, action: Action, result: Checked | Refused) -> Checked:
        """What was read of victim and keeper a moment ago, if the victim may be removed now.

        Raises:
            Refused: the victim must stay; the text says why.
        """
        # Asked before looking at `result`: on an offline disk every file is merely "not found".
        if (reason := self._root_refuses(action)) is not None:
            raise Refused(reason)
        if isinstance(result, Refused):
            raise result
        if (reason := self.refusal(action)) is not None:
            raise Refused(reason)
        _assert_read(action, result)
        return result

    def refusal_to_purge(self, action: Action) -> str | None:
        """Why a removed file must stay in quarantine, in words; None if it may be purged once a copy has been read."""
        if (reason := self._offline_reason(action.victim.root)) is not None:
            return reason
        if self._protection.covers(action.victim.absolute):
            return "it has been protected since"
        if not pair_stands(self._tx, action) and not any(self._files_of(action.victim.digest)):
            return "it no longer counts as the same picture as the kept copy"
        return None

    def copies(self, action: Action) -> Iterator[Seen]:
        """The files that may justify purging a removed one: the kept copy, then other files with either content."""
        assert action.keeper is not None, "a picture without a kept copy"
        if pair_stands(self._tx, action):
            if keeper_unfit(action.keeper.absolute) is None:
                yield action.keeper
            yield from self._files_of(action.keeper.digest)
        yield from self._files_of(action.victim.digest)

    def _root_refuses(self, action: Action) -> str | None:
        if action.verb.removes and action.victim.root in self._references:
            return "it lies in a reference root"
        roots = (action.victim.root, *((action.keeper.root,) if action.keeper else ()))
        return next((reason for root in roots if (reason := self._offline_reason(root)) is not None), None)

    def _offline_reason(self, root: bytes) -> str | None:
        if root not in self._offline:
            self._offline[root] = offline_reason(self._tx, root)
        return self._offline[root]

    def _protection_refuses(self, victim: Seen) -> str | None:
        return "it is protected" if self._protection.covers(victim.absolute) else None

    def _files_of(self, digest: bytes) -> Iterator[Seen]:
        content_id = self._tx.contents.id_of(digest)
        for located in () if content_id is None else self._tx.files.of_contents([content_id]):
            file, root = located.file, self._roots[located.file.root_id]
            if self._offline_reason(root.path) is None and keeper_unfit(located.path) is None:
                yield Seen(root.path, file.path, file.identity, digest)


def _unfit(action: Action) -> str | None:
    return None if action.kind is None or action.keeper is None else keeper_unfit(action.keeper.absolute)


def _are_one_file(victim: Seen, keeper: Seen) -> bool:
    return victim.identity[:2] == keeper.identity[:2]


def _assert_promise(action: Action) -> None:
    """Assert what no mistake above may break: a picture is removed only for another file proven to be the same."""
    if action.kind is None:
        return
    keeper, victim = action.keeper, action.victim
    assert keeper is not None, "a picture without a kept copy"
    assert action.kind is not PairKind.SIMILAR, "a rule may not remove what is only similar"
    assert action.kind is not PairKind.EXACT or victim.digest == keeper.digest, "not the same bytes"
    assert victim.absolute != keeper.absolute, "the kept copy itself"
    assert not in_system_folder(keeper.absolute), "a bin or a snapshot keeps nothing"
    assert not _are_one_file(victim, keeper), "the kept copy itself under another name"


def _assert_read(action: Action, checked: Checked) -> None:
    """Assert the same about what was read from disk a moment ago."""
    if action.kind is None:
        return
    assert checked.keeper is not None, "the kept copy was not read in this run"
    assert checked.keeper[:2] != checked.victim[:2], "the kept copy itself under another name"
    assert action.kind is not PairKind.EXACT or checked.keeper.size == checked.victim.size, "not the same bytes"
