"""Where a removed file goes: to the quarantine of its root, to the trash, to another folder, or beside the keeper."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from dedupctl.disk.folders import standing_at
from dedupctl.disk.root_marker import QUARANTINE
from dedupctl.disk.trash import has_info, trash_for
from dedupctl.domain import Action, JournalEntry, Terms, Verb
from dedupctl.paths import join, relative_to, split
from dedupctl.policy.companion_names import name_beside

AWAY = "the folder it was moved to is missing or empty; is its disk mounted?"

HAS_SIDECAR = "the kept copy has such a sidecar by now"


@dataclass(frozen=True, slots=True)
class Place:
    """A path in two parts: `base` is trusted, and no symlink is followed below it."""

    base: bytes
    relative: bytes

    @property
    def absolute(self) -> bytes:
        return join(self.base, self.relative)


class Destinations:
    """Chooses a free place for each file of one batch, never the same one twice."""

    def __init__(self, plan_id: int, terms: Terms) -> None:
        self._plan_id = plan_id
        self._terms = terms
        self._given: set[bytes] = set()

    def choose(self, action: Action) -> Place:
        """The first free place.

        Raises:
            FileExistsError: the only possible place is taken.
        """
        for place in self._wished(action):
            path = place.absolute
            if path not in self._given and not os.path.lexists(path):
                self._given.add(path)
                return place
        raise FileExistsError(errno.EEXIST, HAS_SIDECAR)

    def _wished(self, action: Action) -> Iterator[Place]:
        victim = action.victim
        if action.verb is Verb.CARRY:
            assert action.keeper is not None
            # Only one name is possible: under another, a sidecar would not belong to the keeper.
            below, keeper = split(action.keeper.path)
            yield Place(action.keeper.root, join(below, name_beside(split(victim.path)[1], keeper)))
        elif action.verb is Verb.DESCRIBE:
            yield Place(victim.root, victim.path)
        elif action.verb is Verb.TRASH:
            files = join(trash_for(victim.absolute), b"files")
            names = _numbered(split(victim.path)[1])
            yield from (Place(files, name) for name in names if not has_info(join(files, name)))
        elif action.verb is Verb.MOVE_TO:
            assert self._terms.move_to is not None
            folder, name = split(victim.path)
            yield from (Place(self._terms.move_to, join(folder, one)) for one in _numbered(name))
        else:
            # A catalog from an older backup assigns plan numbers again: their folders may already hold files.
            folders = (b"%d" % self._plan_id if turn == 1 else b"%d.%d" % (self._plan_id, turn) for turn in count(1))
            yield from (Place(victim.root, join(QUARANTINE, folder, victim.path)) for folder in folders)


def resting_place(entry: JournalEntry) -> Place:
    """Where the journal says that the removed file went, or that one was written."""
    assert entry.target is not None
    if entry.action.verb.quarantines or entry.action.verb is Verb.DESCRIBE:
        root = entry.action.victim.root
        return Place(root, relative_to(entry.target, root))
    return Place(*split(entry.target))


def may_be_away(verb: Verb, place: Place) -> bool:
    """Whether a file outside its root may be on a disk that is not mounted now: its folder is missing or empty.

    There is no marker as in a root. It is better to look again for a file that a person has deleted than to forget one
    that still exists.
    """
    if verb not in (Verb.MOVE_TO, Verb.CARRY):
        return False
    try:
        with os.scandir(split(place.absolute)[0]) as found:
            return next(found, None) is None
    except OSError:
        return True


def drop_empty_folders(place: Place) -> None:
    """Remove empty folders from the quarantine after a file has left it."""
    folder = split(place.relative)[0]
    with suppress(OSError):
        while folder.startswith(QUARANTINE + b"/"):
            with standing_at(place.base, folder) as at:
                os.rmdir(at.name, dir_fd=at.folder)
            folder = split(folder)[0]


def _numbered(name: bytes) -> Iterator[bytes]:
    stem, suffix = os.path.splitext(name)
    yield name
    for number in count(2):
        mark = b" (%d)" % number
        yield stem[: 255 - len(mark) - len(suffix)] + mark + suffix
