"""Which verb leaves which replacement for a removed file, or writes which file; `disk.replacements` makes it."""

from __future__ import annotations

from dedupctl.disk.reading import Reader
from dedupctl.disk.replacements import Clone, HardLink, Replacement, Symlink, Text
from dedupctl.domain import Action, Seen, Verb
from dedupctl.policy.planned_merge import merged_as_planned, written_as_planned


def replacement_of(action: Action) -> Replacement | None:
    """The replacement for the victim of the action; None if it gets none.

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
        case Verb.MERGE | Verb.DESCRIBE:
            return _text_of(action, keeper)
        case _:
            return None


def _text_of(action: Action, source: Seen) -> Text:
    sidecar = action.victim
    if action.verb is Verb.MERGE:
        # The kept sidecar is the action's victim: it is replaced. The removed file is its "keeper".
        return Text(merged_as_planned(Reader(), sidecar, source), sidecar)
    # Who could not read the words where they were cannot read them here.
    return Text(written_as_planned(Reader(), sidecar, source), source)
