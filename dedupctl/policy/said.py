"""What is said of a picture: in its file, and in the sidecars that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Seen, Words
from dedupctl.fingerprint.takeout import words_in_takeout
from dedupctl.fingerprint.words import read_words
from dedupctl.fingerprint.xmp import words_in_packet
from dedupctl.paths import join, split
from dedupctl.policy.belonging import CompanionKind, Folder, kind_of


class Carrying(Enum):
    """Whether a kept copy's sidecar takes up words in this plan."""

    NOTHING = auto()
    DONE = auto()
    """One change of one file a plan: what would be changed twice is not what the second change was planned for."""


@dataclass
class Kept:
    """What is said of a kept copy, and what of it will be carried over to it."""

    words: Words
    sidecars: list[tuple[Seen, bytes]]
    """XMP, as it is now; the one that is named after the whole file name first."""
    carrying: Carrying = field(default=Carrying.NOTHING)


def embedded_words(reader: Reader, picture: Seen) -> Words:
    """What the picture file itself says.

    Raises:
        Refused, OSError: it is not what was seen any more, or cannot be read.
    """
    with reader.opened(picture) as file:
        return read_words(file)


def said_of_kept(reader: Reader, folder: Folder, keeper: Seen) -> Kept:
    """What stands in the kept picture and beside it. What cannot be read says nothing, so it replaces nothing.

    Raises:
        Refused, OSError: the picture itself is not what was seen any more.
    """
    words, sidecars = embedded_words(reader, keeper), []
    for seen, text in _texts(reader, folder, keeper):
        if kind_of(seen.path) is CompanionKind.XMP:
            words |= words_in_packet(text)
            sidecars.append((seen, text))
        else:
            words |= words_in_takeout(text) or Words()
    return Kept(words, sidecars)


def _texts(reader: Reader, folder: Folder, keeper: Seen) -> Iterator[tuple[Seen, bytes]]:
    below, name = split(keeper.path)
    for companion in folder.companions_of(name):
        if kind_of(companion) in (CompanionKind.XMP, CompanionKind.JSON):
            try:
                yield reader.text(keeper.root, join(below, companion))
            except (Refused, OSError):
                continue
