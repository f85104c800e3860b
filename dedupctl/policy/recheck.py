"""Once more, right before anything is done: does to each picture belong what the plan saw, and is nothing lost with it?

Between plan and apply people go on working: an editor writes the sidecar of a picture that is to go, or deletes the one
beside the kept copy that made the removed one's words superfluous.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Action, Terms, Verb
from dedupctl.paths import split
from dedupctl.policy.belonging import CompanionKind, kind_of
from dedupctl.policy.companions import Companions


def companions_changed(bundles: Sequence[Sequence[Action]], terms: Terms, reader: Reader) -> dict[int, Refused]:
    """By action id, the pictures that must stay because of what lies beside them or their kept copies now."""
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
    return f"since the plan was made, {os.fsdecode(new[0])} belongs to it, too" if new else None


def _needless(found: Sequence[Action], planned: Sequence[Action]) -> str | None:
    wanted = {action.victim.absolute for action in found if action.verb is Verb.DESCRIBE}
    written = (action.victim.absolute for action in planned if action.verb is Verb.DESCRIBE)
    if all(path in wanted for path in written):
        return None
    return "since the plan was made, the kept copy got words beside it; a new plan counts them"


def _is_picture(action: Action) -> bool:
    """Not a companion: a film that goes for its twin beside the kept copy has a keeper, too."""
    return action.kind is not None and kind_of(action.victim.path) is not CompanionKind.OWN
