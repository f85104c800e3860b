"""The keeper engine: rules are asked in order, and the first rule by which two copies differ decides and is named.

A policy supplies the rules, their order and its folders; listings, the report, the review page and plans ask the same
engine. Every rule reads a value of one file alone, so the order is strict and transitive whatever the pairs say: which
was made from which enters as the generation of a content (`derivation.generations`). The path is the last rule of every
order, so two files are never equal, and the same keeper is found every time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dedupctl.config import DEFAULT_KEEP, KeeperRule
from dedupctl.domain import Content, File
from dedupctl.matching.derivation import camera_record
from dedupctl.paths import matches_any, split
from dedupctl.system_folders import in_system_folder


@dataclass(frozen=True, slots=True)
class Contender:
    """One file that could be the keeper, with everything that a rule may look at."""

    file: File
    path: bytes
    """Absolute."""
    content: Content
    generation: int = 0
    """0 if no pair shows that it was made from another copy; each derivation adds one."""
    cropped: bool = False
    """Geometry proves that it was made from another copy: it is a part of it, or shows it inside a frame."""


Key: TypeAlias = Callable[[Contender], Any]
"""The file with the smallest value is kept."""


@dataclass(frozen=True)
class Places:
    """What a person said about folders, checked against the disk as it is now."""

    protected: Callable[[bytes], bool] = lambda _path: False
    """Takes an absolute path."""
    reference: Callable[[Contender], bool] = lambda _contender: False
    path_priority: Sequence[str] = ()
    """Globs on the absolute path; an earlier one is preferred."""
    chosen: int | None = None
    """The id of the file that a person wants to keep; it comes before every rule."""


class KeeperOrder:
    """The order of one policy, best copy first."""

    def __init__(self, rules: Sequence[KeeperRule] = DEFAULT_KEEP, places: Places = Places()) -> None:
        keys = _keys(places)
        self._rules: list[tuple[str, Key]] = [(name, keys[name]) for name in dict.fromkeys((*rules, "path"))]
        if places.chosen is not None:
            self._rules.insert(0, (CHOSEN, lambda one: one.file.id != places.chosen))
        # Before anything a policy or a person says: a place that is emptied or expires keeps nothing.
        self._rules.insert(0, (OUTSIDE, lambda one: in_system_folder(one.path)))

    def key(self, contender: Contender) -> tuple[Any, ...]:
        """Sort key: the smallest is the keeper."""
        return tuple(key(contender) for _, key in self._rules)

    def deciding(self, kept: Contender, other: Contender) -> str:
        """The rule by which `kept` comes before `other`."""
        return next((name for name, key in self._rules if key(kept) != key(other)), "path")


CHOSEN = "your choice"
OUTSIDE = "it lies in no bin, snapshot or cache"

_IN_WORDS: Mapping[str, str] = {
    "original": "it is the original, or nearer to it",
    "protected": "it is protected",
    "reference-root": "it lies in a reference root",
    "path-priority": "its folder comes first in the policy",
    "camera": "it says more about its camera: make, time or place",
    "format": "a camera writes its format: RAW before HEIC before JPEG",
    "resolution": "it has more pixels",
    "uncropped": "it shows the whole picture",
    "bytes": "it has more bytes",
    "metadata": "it has more EXIF data or a GPS position",
    "capture-date": "it has an older capture date",
    "name": 'its name is shorter or has no "copy" or "(1)"',
    "path": "its path is shorter",
}

_CONTAINERS = {"RAW": 0, "HEIF": 1}
_CAMERA_CONTAINERS = frozenset({"JPEG", "MPO", "TIFF"})
"""Other formats that cameras write, but programs too: they rank higher only if the file names its camera."""
_FEW_COLOURS = frozenset({"GIF"})
_COPY_MARK = re.compile(r"(?:^|[\s_\-(])(?:copy|copie|kopie|copia)(?:[\s_\-)\d]|$)|\(\d+\)\s*$|~\d+$", re.IGNORECASE)


def rule_in_words(rule: str) -> str:
    """Why the kept copy was preferred, in words. Other reasons (a companion, a person's choice) are words already."""
    return {CHOSEN: "you chose it", **_IN_WORDS}.get(rule, rule)


def reasons_in_words(rules: Collection[str]) -> str:
    """Why one copy is preferred to several others, each reason once."""
    return "; ".join(dict.fromkeys(rule_in_words(rule) for rule in rules))


def _keys(places: Places) -> Mapping[KeeperRule, Key]:
    return {
        "original": lambda one: one.generation,
        "protected": lambda one: not places.protected(one.path),
        "reference-root": lambda one: not places.reference(one),
        "path-priority": lambda one: _priority(one.path, places.path_priority),
        "camera": lambda one: tuple(not known for known in camera_record(one.content.facts)),
        "format": lambda one: _container(one.content),
        "resolution": lambda one: -one.content.facts.width * one.content.facts.height,
        "uncropped": lambda one: one.cropped,
        "bytes": lambda one: -one.content.size,
        "metadata": lambda one: (not one.content.facts.has_gps, -one.content.facts.exif_tags),
        "capture-date": lambda one: one.content.facts.taken_at or "9999",
        "name": lambda one: _name_rank(one.path),
        "path": lambda one: (len(one.path), one.path),
    }


def _container(content: Content) -> int:
    """RAW, HEIC, then other formats a camera wrote. Downloads and scans rank equal, so that their pixels decide."""
    facts = content.facts
    if facts.format in _CONTAINERS:
        return _CONTAINERS[facts.format]
    if facts.format in _CAMERA_CONTAINERS and facts.camera:
        return 2
    return 4 if facts.format in _FEW_COLOURS else 3


def _priority(path: bytes, globs: Sequence[str]) -> int:
    return next((place for place, glob in enumerate(globs) if matches_any(path, (glob,))), len(globs))


def _name_rank(path: bytes) -> tuple[bool, int]:
    name = split(path)[1].decode("utf-8", "surrogateescape")
    stem = name.rpartition(".")[0] or name
    return _COPY_MARK.search(stem) is not None, len(name)
