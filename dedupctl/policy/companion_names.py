"""Which file belongs to which picture, by the names in one folder.

| named | for the picture `a.jpg` |
|---|---|
| after the whole name | `a.jpg.xmp`, `a.jpg.out.pp3`, `a.jpg.supplemental-metadata.json` |
| after the stem | `a.xmp`, `a.mov`, `a.wav`: shared by every picture with that stem |
| as a version (darktable) | `a_01.jpg.xmp` |
| by Google Takeout | `a.jpg(1).json` is for `a(1).jpg`; long names are cut off; `a-edited.jpg` shares that of `a.jpg` |
| as a motion photo's film | `IMG.MP` is for `IMG.MP.jpg` |

Case is ignored, because cameras disagree on it; at worst that keeps a file.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from enum import Enum, auto

from dedupctl.fingerprint.sniff import PICTURE_SUFFIXES
from dedupctl.paths import suffix

RAW_SUFFIXES = frozenset(
    b".dng .cr2 .cr3 .nef .nrw .arw .srf .sr2 .raf .orf .rw2 .rwl .pef .srw .x3f .mrw .3fr .iiq .erf .kdc .dcr".split()
)
_TAKEOUT_LENGTH = 46
"""Takeout cuts names to this many characters, not counting `.json`."""
_TAKEOUT_START = 40
"""The cut name and the picture's name share at least this many bytes."""
_TAKEOUT_WORD = b".supplemental-metadata"
_NUMBERED = re.compile(rb"(.*?)(\(\d+\))", re.DOTALL)
_VERSION = re.compile(rb"(.+)_\d\d(\.[^.]+)\.xmp", re.DOTALL)
_EDITED = b"-edited"


class CompanionKind(Enum):
    """What a companion is, by its suffix."""

    XMP = auto()
    JSON = auto()
    """From Google Takeout, or an annotation, or of unknown origin."""
    OWN = auto()
    """Film, sound, or develop settings in a program's own format: it holds what is stored nowhere else."""
    THUMBNAIL = auto()
    """Made by the camera; it can be made again at any time."""
    ANNOTATION = auto()
    """Describes a picture of a dataset."""
    UNKNOWN = auto()


_FILMS = (b".mov", b".mp4", b".m4v", b".3gp", b".avi", b".mts", b".mp")
_SOUNDS = (b".wav", b".mp3", b".m4a", b".ogg", b".amr")
_RECIPES = (b".aae", b".pp3", b".arp", b".dop", b".on1", b".onphoto", b".cos", b".nksc", b".vrd", b".dr4", b".acr")
_KINDS = {
    **dict.fromkeys((*_FILMS, *_SOUNDS, *_RECIPES), CompanionKind.OWN),
    b".xmp": CompanionKind.XMP,
    b".json": CompanionKind.JSON,
    b".thm": CompanionKind.THUMBNAIL,
    b".txt": CompanionKind.ANNOTATION,
    b".xml": CompanionKind.ANNOTATION,
}


def kind_of(companion: bytes) -> CompanionKind:
    return _KINDS.get(suffix(companion), CompanionKind.UNKNOWN)


class Folder:
    """The names in one folder, sorted into pictures and their companions."""

    def __init__(self, names: Collection[bytes], known_pictures: Collection[bytes] = ()) -> None:
        """`known_pictures` are those of `names` that are pictures although their suffix does not say so."""
        self._by_name: dict[bytes, list[bytes]] = defaultdict(list)
        self._by_stem: dict[bytes, list[bytes]] = defaultdict(list)
        self._by_start: dict[bytes, list[bytes]] = defaultdict(list)
        self._owners: dict[bytes, tuple[bytes, ...]] = {}
        self._companions: dict[bytes, list[bytes]] = defaultdict(list)
        others = []
        for name in names:
            if suffix(name) in PICTURE_SUFFIXES or name in known_pictures:
                self._by_name[name.lower()].append(name)
                self._by_stem[stem(name)].append(name)
                self._by_start[name.lower()[:_TAKEOUT_START]].append(name)
            else:
                others.append(name)
        self._companion_names = {name.lower() for name in others}
        for name in others:
            owners = self.pictures_of(name)
            if owners:
                self._owners[name] = owners
            for owner in owners:
                self._companions[owner].append(name)

    def companions_of(self, picture: bytes) -> Sequence[bytes]:
        """Its companions, including shared ones; those named after the whole file name come first."""
        found = self._companions.get(picture, [])
        return sorted(found, key=lambda name: (not name.lower().startswith(picture.lower() + b"."), name))

    def owners_of(self, companion: bytes) -> Sequence[bytes]:
        """The pictures to which a companion belongs."""
        return self._owners.get(companion, ())

    def shot_of(self, picture: bytes) -> Sequence[bytes]:
        """The RAW and the pictures developed from it, by the camera or by hand; empty for a picture that is alone."""
        named = self._by_stem.get(stem(picture), [])
        return named if len({suffix(name) in RAW_SUFFIXES for name in named}) == 2 else ()

    def pictures_of(self, companion: bytes) -> tuple[bytes, ...]:
        """The pictures that a file of this name belongs to, or would belong to if it stood here."""
        return tuple(dict.fromkeys(self._pictures_of(companion)))

    def has(self, companion: bytes) -> bool:
        """A companion of this name, in whatever case, stands here."""
        return companion.lower() in self._companion_names

    def _pictures_of(self, companion: bytes) -> Iterator[bytes]:
        lower = companion.lower()
        by_takeout = list(self._pictures_of_takeout(lower.removesuffix(b".json"))) if lower.endswith(b".json") else []
        if by_takeout:  # its name has the number of another picture than the one without a number
            yield from by_takeout
            return
        parts = lower.split(b".")
        for end in range(1, len(parts)):
            yield from self._by_name.get(b".".join(parts[:end]), ())
        yield from self._by_stem.get(stem(companion), ())
        if suffix(companion) in _FILMS:
            yield from self._by_stem.get(lower, ())
        version = _VERSION.fullmatch(lower)
        if version is not None and version[0].removesuffix(b".xmp") not in self._by_name:
            yield from self._by_name.get(version[1] + version[2], ())

    def _pictures_of_takeout(self, name: bytes) -> Iterator[bytes]:
        found = list(self._described_by_takeout(name))
        yield from found
        for picture in found:
            before, mark = os.path.splitext(picture.lower())
            yield from self._by_name.get(before + _EDITED + mark, ())

    def _described_by_takeout(self, name: bytes) -> Iterator[bytes]:
        numbered = _NUMBERED.fullmatch(name)
        plain, number = (numbered[1], numbered[2]) if numbered is not None else (name, b"")
        whole = _without_takeout_word(plain)
        before, mark = os.path.splitext(whole)
        yield from self._by_name.get(before + number + mark, ())
        if len(plain.decode("utf-8", "replace")) >= _TAKEOUT_LENGTH - 1:
            alike = self._by_start.get(plain[:_TAKEOUT_START], ())
            yield from (one for one in alike if (one.lower() + _TAKEOUT_WORD).startswith(plain))


def stem(name: bytes) -> bytes:
    """The name without its last suffix, in lower case."""
    return os.path.splitext(name)[0].lower()


def name_beside(companion: bytes, keeper: bytes) -> bytes:
    """The name that a removed picture's companion gets beside the keeper, formed in the same way.

    `b.jpg.out.pp3` becomes `a.jpg.out.pp3`, and `b.xmp` becomes `a.xmp`.
    """
    parts = companion.split(b".")
    for end in range(len(parts) - 1, 1, -1):
        if b"." + parts[end - 1].lower() in PICTURE_SUFFIXES:
            return b".".join([keeper, *parts[end:]])
    return os.path.splitext(keeper)[0] + suffix(companion)


def _without_takeout_word(name: bytes) -> bytes:
    """The name without ".supplemental-metadata" or any beginning of it, as Takeout cuts it off."""
    before, dot, word = name.rpartition(b".")
    return before if dot and word and _TAKEOUT_WORD.startswith(b"." + word) else name
