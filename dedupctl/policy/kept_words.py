"""What the metadata of a kept copy says, in its file and in its sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Seen, Words
from dedupctl.fingerprint.embedded_words import read_words
from dedupctl.fingerprint.takeout import words_in_takeout
from dedupctl.fingerprint.xmp import words_in_packet
from dedupctl.paths import join, split
from dedupctl.policy.companion_names import CompanionKind, Folder, kind_of


class Carrying(Enum):
    """Whether this plan changes a kept copy's sidecar."""

    NOTHING = auto()
    DONE = auto()
    """A plan changes a file once: after the first change, it would no longer be the file the second was planned for."""


@dataclass
class Kept:
    """What is said of a kept copy, including what this plan carries over to it."""

    words: Words
    sidecars: list[tuple[Seen, bytes]]
    """Its XMP sidecars with their text as it is now; the one named after the whole file name comes first."""
    carrying: Carrying = field(default=Carrying.NOTHING)


def embedded_words(reader: Reader, picture: Seen) -> Words:
    """What the picture file itself says.

    Raises:
        Refused, OSError: it is no longer what was seen, or cannot be read.
    """
    with reader.opened(picture) as file:
        return read_words(file)


def said_of_kept(reader: Reader, folder: Folder, keeper: Seen) -> Kept:
    """What the kept picture and its sidecars say. A sidecar that cannot be read counts as saying nothing.

    Raises:
        Refused, OSError: the picture itself is no longer what was seen.
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
