"""Checked again right before a file is moved: do the companions of each picture still match the plan?

People go on working between plan and apply: an editor may write a sidecar for a picture that is to be removed, or
delete the sidecar of the kept copy that repeated what the removed one says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Action, Terms, Verb
from dedupctl.paths import split
from dedupctl.policy.companion_names import CompanionKind, kind_of
from dedupctl.policy.companions import Companions


def companions_changed(bundles: Sequence[Sequence[Action]], terms: Terms, reader: Reader) -> dict[int, Refused]:
    """The pictures that must stay because of what now lies beside them or their kept copies, by action id."""
    planned = {action.victim.absolute: bundle for bundle in bundles for action in bundle if _is_picture(action)}
    leaving = {action.victim.absolute: action for bundle in bundles for action in bundle if _is_picture(action)}
    companions = Companions(
        leaving, reader, with_annotations=terms.with_annotations, merge_sidecars=terms.merge_sidecars
    )
    refused: dict[int, Refused] = {}
    for found in companions.bundles():
        pictures = [action for action in found if action.victim.absolute in leaving]
        expected = [action for one in pictures for action in planned[one.victim.absolute]]
        for picture in pictures:
            if (reason := picture.skipped or _unexpected(found, expected) or _needless(found, expected)) is not None:
                refused[picture.id] = Refused(reason)
    return refused


def _unexpected(found: Sequence[Action], planned: Sequence[Action]) -> str | None:
    expected = {action.victim.absolute for action in planned}
    new = [split(action.victim.path)[1] for action in found if action.victim.absolute not in expected]
    return f"{os.fsdecode(new[0])} came to belong to it after the plan was made" if new else None


def _needless(found: Sequence[Action], planned: Sequence[Action]) -> str | None:
    wanted = {action.victim.absolute for action in found if action.verb is Verb.DESCRIBE}
    written = (action.victim.absolute for action in planned if action.verb is Verb.DESCRIBE)
    if all(path in wanted for path in written):
        return None
    return "since the plan was made, the kept copy got words beside it; a new plan counts them"


def _is_picture(action: Action) -> bool:
    """False for companions. A film removed because the kept copy has the same one beside it also has a keeper."""
    return action.kind is not None and kind_of(action.victim.path) is not CompanionKind.OWN
