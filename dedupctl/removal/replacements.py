"""Which verb leaves what in a removed file's place; `disk.replacements` makes it."""

from __future__ import annotations

from dedupctl.disk.refusal import Refused
from dedupctl.disk.replacements import Clone, HardLink, Replacement, Symlink, Text
from dedupctl.domain import Action, Verb
from dedupctl.policy.companions import read_sidecar
from dedupctl.policy.sidecars import merged


def replacement_of(action: Action) -> Replacement | None:
    """What will stand in the place of the action's victim; None for nothing.

    Raises:
        Refused, OSError: it cannot be made.
    """
    keeper = action.keeper
    if keeper is None:
        return None
    match action.verb:
        case Verb.SYMLINK:
            return Symlink(keeper)
        case Verb.HARDLINK:
            return HardLink(keeper, action.victim)
        case Verb.REFLINK:
            return Clone(keeper, action.victim)
        case Verb.MERGE:
            return Text(_merged(action), action.victim)
        case _:
            return None


def _merged(action: Action) -> bytes:
    """The kept sidecar (the action's victim: it is replaced) with the words of the removed one (its "keeper")."""
    assert action.keeper is not None
    texts = []
    for planned in (action.victim, action.keeper):
        seen, text = read_sidecar(planned.root, planned.path)
        if seen.digest != planned.digest:
            raise Refused("it changed since the plan was made")
        texts.append(text)
    return merged(texts[0], texts[1])
