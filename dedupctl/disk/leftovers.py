"""Temporary files that a killed process left behind: partial copies are deleted, files set aside get their name back.

Anybody may have created a file under one of our temporary names since. So only files proven to be ours are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

from dedupctl.disk.folders import At
from dedupctl.disk.moves import aside_names, give_back, part_names
from dedupctl.disk.ownership import begins_like
from dedupctl.domain import Identity

Proof: TypeAlias = Callable[[At], bool]
"""Is the file at this place ours?"""


def discard_part(place: At, token: bytes, original: At | None, is_ours: Proof) -> None:
    """Delete partial files beside `place` that are ours, or empty, or hold only bytes that `original` holds too."""
    for name in part_names(token):
        part = At(place.folder, name)
        with suppress(FileNotFoundError):
            found = Identity.of(part.status())
            proven = found.size == 0 or is_ours(part) or (original is not None and begins_like(part, original))
            if proven and Identity.of(part.status()) == found:
                part.unlink()


def discard_aside(place: At, token: bytes, is_ours: Proof) -> None:
    """End files that were on their way out for good, if they are ours."""
    for aside in _asides(place, token, lambda _: True):
        found = Identity.of(aside.status())
        if is_ours(aside) and Identity.of(aside.status()) == found:
            aside.unlink()


def has_aside(place: At, token: bytes, is_ours: Proof) -> bool:
    """Whether a file of ours that was set aside for deletion is still beside `place`."""
    return any(_asides(place, token, is_ours))


def take_back_aside(place: At, token: bytes, is_ours: Proof) -> None:
    """Give a file that was set aside its name back, or a free name beside it if that one is taken."""
    for aside in _asides(place, token, is_ours):
        give_back(aside, place)


def _asides(place: At, token: bytes, is_ours: Proof) -> Iterator[At]:
    for name in aside_names(token):
        aside = At(place.folder, name)
        if aside.exists() and is_ours(aside):
            yield aside
