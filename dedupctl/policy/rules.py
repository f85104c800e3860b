"""Which copy stays: rules asked one after the other, the first on which two copies differ decides and is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dedupctl.config import KeeperRule
from dedupctl.matching.keeper import Standing
from dedupctl.paths import split
from dedupctl.policy.guards import matches_any

Key: TypeAlias = Callable[[Standing], Any]
"""The smallest value is kept."""

_IN_WORDS: Mapping[KeeperRule, str] = {
    "protected": "it is protected",
    "reference-root": "it lies in a reference root",
    "path-priority": "its place comes first in the policy",
    "format": "RAW before camera formats before re-encoded ones",
    "resolution": "it has more pixels",
    "uncropped": "it shows the whole picture",
    "bytes": "it has more bytes",
    "metadata": "it has more EXIF or a place",
    "capture-date": "it says an older capture date",
    "name": 'its name is shorter and says no "copy" or "(1)"',
    "path": "its path is shorter",
}

_RAW, _CAMERA, _REENCODED = 0, 1, 2
_FORMATS = {"RAW": _RAW, "WEBP": _REENCODED, "AVIF": _REENCODED, "GIF": _REENCODED, "BMP": _REENCODED}
"""What programs, not cameras, write when a picture is saved again; all others may be what the camera gave."""
_COPY_MARK = re.compile(r"(?:^|[\s_\-(])(?:copy|copie|kopie|copia)(?:[\s_\-)\d]|$)|\(\d+\)\s*$|~\d+$", re.IGNORECASE)


def rule_in_words(rule: str) -> str:
    """Why the kept copy was preferred; what is no keeper rule (a companion, a person's choice) speaks for itself."""
    return {str(name): words for name, words in _IN_WORDS.items()}.get(rule, rule)


@dataclass(frozen=True)
class Ranks:
    """What the rules must know beyond the file itself."""

    protected: Callable[[bytes], bool]
    """By absolute path."""
    reference: Callable[[Standing], bool]
    path_priority: Sequence[str]


class KeeperRules:
    """The rules of one policy, in its order; remembers each file's values, so that a decision can be explained."""

    def __init__(self, order: Sequence[KeeperRule], ranks: Ranks) -> None:
        keys = _keys(ranks)
        # The path ends every order: two different files are never equal, and the same plan is made twice.
        self._rules: list[tuple[KeeperRule, Key]] = [(name, keys[name]) for name in dict.fromkeys((*order, "path"))]
        self._values: dict[int, tuple[Any, ...]] = {}

    def preference(self, standing: Standing) -> tuple[Any, ...]:
        """Sort key of a file: the smallest is the keeper."""
        value = tuple(key(standing) for _, key in self._rules)
        self._values[standing.file.id] = value
        return value

    def deciding(self, keeper_id: int, other_id: int) -> KeeperRule:
        """The rule by which the file `keeper_id` came before the file `other_id`; both were ranked before."""
        kept, other = self._values[keeper_id], self._values[other_id]
        return next((name for (name, _), a, b in zip(self._rules, kept, other, strict=True) if a != b), "path")


def _keys(ranks: Ranks) -> Mapping[KeeperRule, Key]:
    return {
        "protected": lambda one: not ranks.protected(one.path),
        "reference-root": lambda one: not ranks.reference(one),
        "path-priority": lambda one: _priority(one.path, ranks.path_priority),
        "format": lambda one: _FORMATS.get(one.content.facts.format, _CAMERA),
        "resolution": lambda one: -one.content.facts.width * one.content.facts.height,
        "uncropped": lambda one: one.cropped,
        "bytes": lambda one: -one.content.size,
        "metadata": lambda one: (not one.content.facts.has_gps, -one.content.facts.exif_tags),
        "capture-date": lambda one: one.content.facts.taken_at or "9999",
        "name": lambda one: _name_rank(one.path),
        "path": lambda one: (len(one.path), one.path),
    }


def _priority(path: bytes, globs: Sequence[str]) -> int:
    text = path.decode("utf-8", "surrogateescape")
    return next((place for place, glob in enumerate(globs) if matches_any(text, (glob,))), len(globs))


def _name_rank(path: bytes) -> tuple[bool, int]:
    name = split(path)[1].decode("utf-8", "surrogateescape")
    stem = name.rpartition(".")[0] or name
    return _COPY_MARK.search(stem) is not None, len(name)
