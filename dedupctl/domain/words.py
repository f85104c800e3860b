"""Words: what people have said about a picture (rating, tags, caption, ...), in the file itself or in a sidecar."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_TRUNCATED_BYTES = 60
"""IPTC truncates titles and keywords at 64 bytes, so a prefix of at least this length counts as the whole text."""
_BETWEEN_TAGS = re.compile(r"[|/]")


class WordKind(StrEnum):
    """The kinds of statements about a picture; the value is the name shown to people."""

    RATING = "a rating"
    LABEL = "a label"
    TAGS = "tags"
    TITLE = "a title"
    CAPTION = "a caption"
    FACES = "faces"
    EDITS = "edits"
    """Develop settings that have not been applied to the pixels."""
    UNREADABLE = "metadata that cannot be read"


_TEXTS = (WordKind.TITLE, WordKind.CAPTION)


@dataclass(frozen=True, slots=True)
class Words:
    """What is said about one picture, by kind; empty if nobody said anything."""

    said: Mapping[WordKind, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[WordKind, str]]) -> Words:
        """Collect single statements, without blank ones and ratings of 0, which programs write for "not rated"."""
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
        """What is said here but not in `kept`."""
        missing = {
            kind: frozenset(value for value in values if not kept.says(kind, value))
            for kind, values in self.said.items()
        }
        return Words({kind: values for kind, values in missing.items() if values})

    def says(self, kind: WordKind, value: str) -> bool:
        """Whether `value` is said: a tag may also be part of a tag hierarchy, and a title may be the caption."""
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
        """The kinds as shown to people: "a rating and tags"."""
        return " and ".join(kind.value for kind in WordKind if self.of_kind(kind))


def _plain(text: str) -> str:
    """A canonical form of a text, which programs write with different whitespace and Unicode composition."""
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
