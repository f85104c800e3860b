"""Write the sidecar of a kept copy that had none, and take it away again: only where it is just what was written.

Between the intent and the write, and at any time after, anybody may put a file under that name, or edit ours. Only the
bytes tell: what does not hold those of the plan, to the last one, is another's and stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from dedupctl.disk.durable import sync_folder
from dedupctl.disk.folders import At, OpenFolders, standing_at
from dedupctl.disk.leftovers import discard_aside, discard_part, has_aside
from dedupctl.disk.moves import free_part, name_made, unlink_exactly
from dedupctl.disk.ownership import holds
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.replacements import Replacement
from dedupctl.disk.steps import Step, Steps
from dedupctl.disk.verification import Checked, require_still
from dedupctl.domain import Identity
from dedupctl.removal.destinations import HAS_SIDECAR
from dedupctl.removal.relocation import Removal, Settled


def write_sidecar(removal: Removal, text: Replacement, checked: Checked, folders: OpenFolders, *, steps: Steps) -> None:
    """Make the file under a temporary name and give it its own, over nobody's file.

    Raises:
        Refused, OSError: it is not to be written; the caller takes back whatever was done, see `take_back_sidecar`.
    """
    place = folders.at(removal.target.base, removal.target.relative)
    part = free_part(place.folder, removal.token)
    text.make(part)
    made = Identity.of(part.status())
    steps(Step.PREPARED)
    _require_source(removal, checked, folders)
    steps(Step.MOVING)
    try:
        name_made(part, place, made)
    except FileExistsError as error:
        raise Refused(HAS_SIDECAR) from error
    steps(Step.MOVED)


def stands_as_written(removal: Removal) -> bool:
    """It stands under its name, nobody has edited it, and nothing is left to be done."""
    with _place_if_there(removal) as place:
        return (
            place is not None
            and _is_ours(removal, place)
            and not has_aside(place, removal.token, partial(_is_ours, removal))
        )


def take_back_sidecar(removal: Removal, *, steps: Steps) -> Settled:
    """Undo whatever `write_sidecar` or a restore had done; a file of anybody else, or that anybody edited, stays.

    Raises:
        Refused, OSError: it could not be taken away; it is where it was.
    """
    with _place_if_there(removal) as place:
        if place is None:
            return Settled(None)
        _tidy(removal, place)
        if not place.exists():
            return Settled(None)
        found = Identity.of(place.status())
        if not _is_ours(removal, place):
            return Settled(None, stranger=removal.target.absolute)
        unlink_exactly(place, found, token=removal.token, steps=steps)
        sync_folder(place.folder)
    return Settled(None)


def stands_still(removal: Removal) -> bool:
    """Whether it still stands there after a restore was cut off. One that was on its way out is ended.

    Raises:
        OSError: that cannot be told.
    """
    with _place_if_there(removal) as place:
        if place is None:
            return False
        _tidy(removal, place)
        return _is_ours(removal, place)


def why_not_written(settled: Settled) -> str:
    """What became of a sidecar that was taken back, in words."""
    if settled.stranger is None:
        return "it is not there"
    return f"{os.fsdecode(settled.stranger)} is another file and stays"


def _require_source(removal: Removal, checked: Checked, folders: OpenFolders) -> None:
    source = removal.action.keeper
    assert source is not None, "words of no file"
    assert checked.keeper is not None, "a source that was not read in this run"
    try:
        require_still(folders.at(source.root, source.path).status(), checked.keeper)
    except (OSError, Refused) as error:
        raise Refused(f"{os.fsdecode(source.absolute)}, whose words it would hold: {reason_of(error)}") from error


def _tidy(removal: Removal, place: At) -> None:
    discard_aside(place, removal.token, partial(_is_ours, removal))
    discard_part(place, removal.token, None, partial(_is_ours, removal))


def _is_ours(removal: Removal, at: At) -> bool:
    return holds(at, removal.action.victim.digest)


@contextmanager
def _place_if_there(removal: Removal) -> Iterator[At | None]:
    """None where its folder is missing."""
    with ExitStack() as stack:
        try:
            place = stack.enter_context(standing_at(removal.target.base, removal.target.relative))
        except (FileNotFoundError, NotADirectoryError):
            place = None
        yield place
