"""Which file of a cluster is the one to keep, when nobody has said otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from dedupctl.domain import Content, File


@dataclass(frozen=True, slots=True)
class Standing:
    """What a keeper rule may look at: one file, its content, and what its pairs say of it."""

    file: File
    path: bytes
    """Absolute."""
    content: Content
    cropped: bool
    """Some pair proves that it was made from another picture of the cluster: a part of it, or it inside a frame."""


Preference: TypeAlias = Callable[[Standing], tuple[Any, ...]]
"""Sort key of a Standing: the smallest is kept."""

_COMPRESSED = {"JPEG": 1, "MPO": 1, "HEIF": 1, "AVIF": 2, "JXL": 1, "WEBP": 2, "GIF": 3}


def default_preference(standing: Standing) -> tuple[Any, ...]:
    """Uncropped, most pixels, camera formats before re-encoded ones, most bytes, oldest capture, shortest path."""
    facts = standing.content.facts
    return (
        standing.cropped,
        -facts.width * facts.height,
        _COMPRESSED.get(facts.format, 0),
        -standing.content.size,
        -facts.exif_tags,
        facts.taken_at or "9999",
        len(standing.path),
        standing.path,
    )
