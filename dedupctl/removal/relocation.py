"""Take one file away, or put it back: the two movements that apply and recovery are made of."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from dedupctl.disk.folders import At, OpenFolders, make_quarantine, standing_at
from dedupctl.disk.moves import (
    aside_name,
    discard,
    free_name,
    move,
    part_name,
    rename_exclusive,
    same_file,
    unlink_exactly,
)
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.steps import Step, Steps
from dedupctl.disk.trash import forget_info, make_trash, write_info
from dedupctl.disk.verification import Checked, is_still_there, require_still
from dedupctl.domain import Action, Identity, JournalEntry, Seen, Verb
from dedupctl.paths import split
from dedupctl.removal.destinations import AWAY, Place, drop_empty_folders, may_be_away, resting_place
from dedupctl.removal.replacements import is_stand_in, prepare


@dataclass(frozen=True, slots=True)
class Removal:
    """One intent of the journal: this file, to this place."""

    entry_id: int
    action: Action
    target: Place
    stand_in: bytes | None
    token: bytes
    """Names the temporary files of this intent, see `token_of`."""

    @classmethod
    def of(cls, entry: JournalEntry, catalog_id: str) -> Removal:
        return cls(entry.id, entry.action, resting_place(entry), entry.stand_in, token_of(catalog_id, entry.id))

    @property
    def folders(self) -> tuple[bytes, bytes]:
        """What must be on the disk before the outcome may be written down."""
        return split(self.action.victim.absolute)[0], split(self.target.absolute)[0]


def token_of(catalog_id: str, entry_id: int) -> bytes:
    """Two catalogs may know one folder: their temporary files must not meet."""
    return f"{catalog_id[:12]}-{entry_id}".encode("ascii")


def make_ready(removals: Iterable[Removal]) -> None:
    """Make the quarantine folders of a batch at once; what cannot be made is said when the file is to move there."""
    by_root: defaultdict[bytes, dict[bytes, bytes]] = defaultdict(dict)
    for removal in removals:
        if removal.action.verb.quarantines:
            by_root[removal.target.base][split(removal.target.relative)[0]] = removal.action.victim.absolute
    for root, folders in by_root.items():
        with suppress(OSError):
            make_quarantine(root, folders)


def remove(removal: Removal, checked: Checked, folders: OpenFolders, *, at: int, steps: Steps) -> None:
    """Move the file away, once more looking at it and at its keeper right before and right after.

    Raises:
        Refused, OSError: it is to be left alone; the caller puts back whatever was done, see `put_back`.
    """
    action, target = removal.action, removal.target
    source = folders.at(action.victim.root, action.victim.path)
    if action.verb is Verb.TRASH:
        make_trash(target.base)
    elif not action.verb.quarantines:
        os.makedirs(target.base, exist_ok=True)
    destination = folders.at(target.base, target.relative, create_like=action.victim.absolute)
    part = At(source.folder, part_name(removal.token))
    replaced = prepare(action, part)
    steps(Step.PREPARED)
    require_still(source.status(), checked.victim)
    _glance_at_keeper(action, checked)
    if action.verb is Verb.TRASH:
        write_info(target.absolute, action.victim.absolute, at)
    steps(Step.MOVING)
    move(source, destination, checked.victim, token=removal.token, steps=steps)
    # The keeper may have been an alias of the victim, or someone took it just now: it stands, or all goes back.
    _check_keeper(action, checked, folders)
    if replaced:
        rename_exclusive(part, source)
    steps(Step.MOVED)


def put_back(removal: Removal, *, steps: Steps) -> bytes | None:
    """Undo whatever `remove` had done when it was cut off; never overwrites.

    Returns where the file stands now, absolute; None if it is nowhere.

    Raises:
        Refused, OSError: it could not be put back; it is where it was.
    """
    action, target = removal.action, removal.target
    with _standing_if_there(action.victim.root, action.victim.path) as source:
        if source is not None:
            discard(At(source.folder, part_name(removal.token)))
            _take_back_aside(source, removal.token)
        where = action.victim.absolute if source is not None and source.exists() else None
    with _standing_if_there(target.base, target.relative) as away:
        if away is not None:
            discard(At(away.folder, part_name(removal.token)))
        if away is not None and away.exists():
            victim = action.victim
            with standing_at(victim.root, victim.path, create_like=target.absolute) as source:
                name = _move_back(removal, away, source, steps)
            where = os.path.join(split(action.victim.absolute)[0], name)
    if where is None and may_be_away(action.verb, target):
        raise Refused(AWAY)
    if action.verb is Verb.TRASH:
        forget_info(target.absolute)
    drop_empty_folders(target)
    return where


def has_arrived(removal: Removal) -> bool:
    """The file is wholly where it was meant to go, its stand-in too, and nothing is left to be done."""
    victim, target = removal.action.victim, removal.target
    if not is_still_there(Seen(target.base, target.relative, victim.identity, victim.digest)):
        return False
    with _standing_if_there(victim.root, victim.path) as source:
        if source is None:
            return removal.stand_in is None
        if At(source.folder, aside_name(removal.token)).exists():
            return False
        if removal.stand_in is None:
            return not source.exists()
        return is_stand_in(source, removal.stand_in) and not same_file(Identity.of(source.status()), victim.identity)


def _move_back(removal: Removal, away: At, source: At, steps: Steps) -> bytes:
    """Returns the name it has now in its old folder."""
    found = Identity.of(away.status())
    if source.exists():
        standing = Identity.of(source.status())
        if same_file(standing, found) or (
            same_file(standing, removal.action.victim.identity) and is_still_there(removal.action.victim)
        ):
            # Cut off between the two halves of a move: the original is there, the other name or copy is one too many.
            discard(away)
            return source.name
        if removal.stand_in is not None and is_stand_in(source, removal.stand_in):
            unlink_exactly(source, standing, token=removal.token, steps=steps)
    place = At(source.folder, free_name(source.folder, source.name))
    move(away, place, found, token=removal.token, steps=steps)
    os.fsync(source.folder)
    return place.name


def _take_back_aside(source: At, token: bytes) -> None:
    aside = At(source.folder, aside_name(token))
    if aside.exists():
        rename_exclusive(aside, At(source.folder, free_name(source.folder, source.name)))


def _glance_at_keeper(action: Action, checked: Checked) -> None:
    """By the plain path: most of what is wrong is seen without moving anything. `_check_keeper` follows the move."""
    if action.keeper is None or checked.keeper is None:
        return
    try:
        require_still(os.lstat(action.keeper.absolute), checked.keeper)
    except (OSError, Refused) as error:
        raise Refused(f"the kept copy {os.fsdecode(action.keeper.absolute)}: {reason_of(error)}") from error


def _check_keeper(action: Action, checked: Checked, folders: OpenFolders) -> None:
    if action.keeper is None or checked.keeper is None:
        return
    try:
        kept = folders.at(action.keeper.root, action.keeper.path)
        require_still(kept.status(), checked.keeper)
    except (OSError, Refused) as error:
        raise Refused(f"the kept copy {os.fsdecode(action.keeper.absolute)}: {reason_of(error)}") from error


@contextmanager
def _standing_if_there(base: bytes, relative: bytes) -> Iterator[At | None]:
    """As `standing_at`; None where the folder is missing."""
    with ExitStack() as stack:
        try:
            at = stack.enter_context(standing_at(base, relative))
        except FileNotFoundError:
            at = None
        yield at
