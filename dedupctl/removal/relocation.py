"""Take one file away, or put it back: the two movements that apply and recovery are made of.

Between the two anybody may have put a file under any name that the journal holds, edited one, or taken one away. So
what is moved back or ended was proven to be ours first: by its identity, by its bytes, or by both.
"""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.disk.durable import sync_folder
from dedupctl.disk.folders import At, OpenFolders, make_quarantine, opened_folder, standing_at
from dedupctl.disk.leftovers import discard_part, has_aside, take_back_aside
from dedupctl.disk.moves import free_name, free_part, move, name_made, unlink_exactly, unnoted
from dedupctl.disk.ownership import holds, is_file, is_inode
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.replacements import Replacement, is_replacement
from dedupctl.disk.steps import Step, Steps
from dedupctl.disk.trash import Trashed, make_trash
from dedupctl.disk.verification import Checked, require_still
from dedupctl.domain import Action, Identity, JournalEntry, Verb
from dedupctl.paths import join, split
from dedupctl.removal.destinations import AWAY, Place, drop_empty_folders, may_be_away, resting_place

Placed: TypeAlias = Callable[[int, Identity], None]
"""Writes down, by journal entry, the identity of a copy that is about to get its name on another filesystem."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One intent of the journal: this file, to this place."""

    entry_id: int
    action: Action
    target: Place
    mark: bytes | None
    """Of what is to stand in its place, see `disk.replacements`."""
    token: bytes
    """Names the temporary files of this intent, see `token_of`."""
    started_at: int
    placed: Identity | None = None
    """Of the copy at the target, where that is on another filesystem."""

    @classmethod
    def of(cls, entry: JournalEntry, catalog_id: str, intent_id: int | None = None) -> Removal:
        """`intent_id` is the entry of its own that a later deed with this file has; None if there is none."""
        token = token_of(catalog_id, entry.id if intent_id is None else intent_id)
        target = resting_place(entry)
        return cls(entry.id, entry.action, target, entry.replacement, token, entry.started_at, entry.placed)

    @property
    def folders(self) -> tuple[bytes, bytes]:
        """What must be on the disk before the outcome may be written down."""
        return split(self.action.victim.absolute)[0], split(self.target.absolute)[0]

    @property
    def trashed(self) -> Trashed | None:
        """What the trash can is told of it."""
        if self.action.verb is not Verb.TRASH:
            return None
        return Trashed(self.target.absolute, self.action.victim.absolute, self.started_at)

    def was_moved(self, at: At) -> bool:
        """What stands at the target is the removed file itself, or the copy of it, just as it was put there."""
        return is_file(at, self.action.victim.identity) or self.is_the_copy(at)

    def is_the_copy(self, at: At) -> bool:
        """What stands there is the copy that this intent has made on another filesystem."""
        return self.placed is not None and is_file(at, self.placed)

    def is_equal(self, at: At) -> bool:
        """It holds the removed file's bytes, and nobody could tell it from that file.

        Some filesystems number their files anew at each mount. A copy that a person made has a time of its own.
        """
        times = {one.mtime_ns for one in (self.action.victim.identity, self.placed) if one is not None}
        ours = self.action.verb.quarantines or Identity.of(at.status()).mtime_ns in times
        return ours and holds(at, self.action.victim.digest)

    def may_be_part(self, at: At) -> bool:
        """What bears a part's name is the whole copy, or what was to stand in the file's place."""
        if self.action.verb is Verb.HARDLINK and self.action.keeper is not None:
            # One more name of the kept file, perhaps written to since: its other name holds what was written.
            return is_inode(at, self.action.keeper.identity) and at.status().st_nlink > 1
        return self.is_the_copy(at) or (self.mark is not None and is_replacement(at, self.mark))

    def may_be_aside(self, at: At) -> bool:
        """What bears the name of a file on its way out is the removed file, edited or not, a copy, or a replacement."""
        inodes = (one for one in (self.action.victim.identity, self.placed) if one is not None)
        ours = any(is_inode(at, one) for one in inodes) or holds(at, self.action.victim.digest)
        return ours or (self.mark is not None and is_replacement(at, self.mark))


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


def remove(
    removal: Removal,
    replacement: Replacement | None,
    checked: Checked,
    folders: OpenFolders,
    *,
    placed: Placed,
    steps: Steps,
) -> None:
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
    part = free_part(source.folder, removal.token)
    if replacement is not None:
        replacement.make(part)
        made = Identity.of(part.status())
    steps(Step.PREPARED)
    require_still(source.status(), checked.victim)
    _glance_at_keeper(action, checked)
    if removal.trashed is not None:
        removal.trashed.write_info()
    steps(Step.MOVING)
    move(
        source,
        destination,
        checked.victim,
        token=removal.token,
        steps=steps,
        note=lambda copy: placed(removal.entry_id, copy),
    )
    # The keeper may have been an alias of the victim, or someone took it just now: it stands, or all goes back.
    _check_keeper(action, checked, folders)
    if replacement is not None:
        name_made(part, source, made)
    steps(Step.MOVED)


@dataclass(frozen=True, slots=True)
class Settled:
    """Where the file stands once it was put back. Paths are absolute."""

    where: bytes | None
    """None if it is nowhere."""
    stranger: bytes | None = None
    """What stands where it was meant to go is another's; it is left there."""

    def in_words(self, home: bytes) -> str:
        if self.where is None:
            place = "it is neither at its place nor where it was meant to go"
        else:
            place = "it is at its place" if self.where == home else f"it is now {os.fsdecode(self.where)}"
        return place if self.stranger is None else f"{place}; {os.fsdecode(self.stranger)} is another file and stays"


def put_back(removal: Removal, *, steps: Steps) -> Settled:
    """Undo whatever `remove` had done when it was cut off; never overwrites, and touches no file of anybody else.

    Raises:
        Refused, OSError: it could not be put back; it is where it was.
    """
    action, target = removal.action, removal.target
    with ExitStack() as stack:
        source = stack.enter_context(_at_if_there(action.victim.root, action.victim.path))
        away = stack.enter_context(_at_if_there(target.base, target.relative))
        _tidy(removal, source, away)
        _tidy(removal, away, source)
        where = action.victim.absolute if source is not None and source.exists() else None
        stranger = None
        if away is not None and away.exists():
            returned = _return(removal, source, away, steps)
            where, stranger = (where, target.absolute) if returned is None else (returned, None)
    if where is None and stranger is None:
        _require_reachable(removal)
    if removal.trashed is not None:
        removal.trashed.forget_info()
    drop_empty_folders(target)
    return Settled(where, stranger)


def has_arrived(removal: Removal) -> bool:
    """The file is wholly where it was meant to go, its replacement too, and nothing is left to be done."""
    victim, target = removal.action.victim, removal.target
    with _at_if_there(target.base, target.relative) as away:
        if away is None or not away.exists() or not removal.is_equal(away):
            return False
    with _at_if_there(victim.root, victim.path) as source:
        if source is None:
            return removal.mark is None
        if has_aside(source, removal.token, removal.may_be_aside):
            return False
        if removal.mark is None:
            return not source.exists()
        return is_replacement(source, removal.mark) and not is_inode(source, victim.identity)


def _tidy(removal: Removal, at: At | None, other: At | None) -> None:
    if at is not None:
        take_back_aside(at, removal.token, removal.may_be_aside)
        discard_part(at, removal.token, other, removal.may_be_part)


def _return(removal: Removal, source: At | None, away: At, steps: Steps) -> bytes | None:
    """Bring what stands at the target back, or end it where it is a copy too many; returns where the file stands now.

    None: it is not ours, and stays.
    """
    action = removal.action
    if removal.trashed is not None and not removal.trashed.has_info():
        # Nothing of ours goes to the trash before its info is written: a person has trashed this.
        return None
    if source is not None and _is_home(removal, source):
        found = Identity.of(away.status())
        if found[:2] == Identity.of(source.status())[:2]:
            # A move by link and unlink was cut off between the two; elsewhere a person may have made the other name.
            one_too_many = action.verb.quarantines
        else:
            one_too_many = removal.is_the_copy(away) and holds(source, action.victim.digest)
            if not one_too_many and removal.was_moved(away):
                return _move_beside(removal, away, steps)
        if not one_too_many:
            return None
        unlink_exactly(away, found, token=removal.token, steps=steps)
        return action.victim.absolute
    # Whatever stands in a quarantine was put there by us: the file itself, edited or not, or one swapped for it.
    if action.verb.quarantines or removal.was_moved(away) or removal.is_equal(away):
        return _move_beside(removal, away, steps)
    return None


def _is_home(removal: Removal, source: At) -> bool:
    """The removed file stands at its place, edited or not, or one with the same bytes that is no replacement."""
    victim = removal.action.victim
    if not source.exists():
        return False
    if is_inode(source, victim.identity):
        return True
    return not (removal.mark is not None and is_replacement(source, removal.mark)) and holds(source, victim.digest)


def _move_beside(removal: Removal, away: At, steps: Steps) -> bytes:
    """Move the file to its old name, or beside it where a person has taken that; returns where it stands now."""
    victim = removal.action.victim
    with standing_at(victim.root, victim.path, create_like=removal.target.absolute) as source:
        if removal.mark is not None and source.exists() and is_replacement(source, removal.mark):
            unlink_exactly(source, Identity.of(source.status()), token=removal.token, steps=steps)
        found = Identity.of(away.status())
        while True:
            place = At(source.folder, free_name(source.folder, source.name))
            try:
                move(away, place, found, token=removal.token, steps=steps, note=unnoted, from_ours=True)
            except FileExistsError:
                # Somebody was faster: the next free name is looked for.
                continue
            break
        sync_folder(source.folder)
    return join(split(victim.absolute)[0], place.name)


def _require_reachable(removal: Removal) -> None:
    """Raises Refused or OSError where the file may still be: on a disk that is away, behind a link that was planted."""
    target = removal.target
    with suppress(FileNotFoundError), opened_folder(target.base, split(target.relative)[0]):
        pass
    if may_be_away(removal.action.verb, target):
        raise Refused(AWAY)


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
def _at_if_there(base: bytes, relative: bytes) -> Iterator[At | None]:
    """As `standing_at`; None where the folder is missing, or something else stands on the way to it."""
    with ExitStack() as stack:
        at = None
        try:
            at = stack.enter_context(standing_at(base, relative))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        yield at
