"""What a person has said of a picture, wherever it is written: in the file itself or in a sidecar beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_TRUNCATED_BYTES = 60
"""IPTC cuts titles and keywords at 64 bytes; so long a beginning of a text stands for the whole."""
_BETWEEN_TAGS = re.compile(r"[|/]")


class WordKind(StrEnum):
    """What is said; the value is how a person reads it."""

    RATING = "a rating"
    LABEL = "a label"
    TAGS = "tags"
    TITLE = "a title"
    CAPTION = "a caption"
    FACES = "faces"
    EDITS = "edits"
    """A develop recipe that is not part of the pixels yet."""
    UNREADABLE = "metadata that cannot be read"


_TEXTS = (WordKind.TITLE, WordKind.CAPTION)


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of one picture, by kind. Empty for one that nobody said anything of."""

    said: Mapping[WordKind, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[WordKind, str]]) -> Words:
        """From single statements; blank ones and ratings of 0, which programs write for "not rated", say nothing."""
        found: dict[WordKind, set[str]] = {}
        for kind, value in pairs:
            text = _plain(value)
            if text and not (kind is WordKind.RATING and _is_zero(text)):
                found.setdefault(kind, set()).add(_number(text) if kind is WordKind.RATING else text)
        return cls({kind: frozenset(values) for kind, values in found.items()})

    def __or__(self, other: Words) -> Words:
        kinds = {**self.said, **other.said}
        return Words({kind: self.of_kind(kind) | other.of_kind(kind) for kind in kinds})

    def __bool__(self) -> bool:
        return any(self.said.values())

    def of_kind(self, kind: WordKind) -> frozenset[str]:
        return self.said.get(kind, frozenset())

    def lacking_in(self, kept: Words) -> Words:
        """What is said here and not in `kept`."""
        missing = {
            kind: frozenset(value for value in values if not kept.says(kind, value))
            for kind, values in self.said.items()
        }
        return Words({kind: values for kind, values in missing.items() if values})

    def says(self, kind: WordKind, value: str) -> bool:
        """Is just that said? A tag also where it is part of a branch of tags; a title where it is the caption."""
        known = self.of_kind(kind)
        if kind in _TEXTS:
            known = frozenset[str]().union(*(self.of_kind(text) for text in _TEXTS))
        if kind is WordKind.TAGS:
            known |= set(_branches(known))
        return value in known or (
            len(value.encode("utf-8", "surrogatepass")) >= _TRUNCATED_BYTES
            and any(text.startswith(value) for text in known)
        )

    @property
    def in_words(self) -> str:
        """The kinds, as a person reads them: "a rating and tags"."""
        return " and ".join(kind.value for kind in WordKind if self.of_kind(kind))


def _plain(text: str) -> str:
    """One form for all ways in which programs write the same text."""
    return unicodedata.normalize("NFC", " ".join(text.replace("\0", " ").split()))


def _is_zero(text: str) -> bool:
    return text.strip("0.") == ""


def _number(text: str) -> str:
    return text.removesuffix(".0")


def _branches(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        parts = _BETWEEN_TAGS.split(tag)
        for mark in "|/":
            yield from (mark.join(parts[:end]) for end in range(1, len(parts)))
            yield mark.join(parts)
        yield from parts
