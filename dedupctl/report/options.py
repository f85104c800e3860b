"""What can be asked of a report, and what is said about a written one; importing this loads no template engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

StageProgress: TypeAlias = Callable[[str, int, int], None]
"""Takes (stage, done, total); a stage whose length is not known yet has total 0."""


def unwatched_stages(_stage: str, _done: int, _total: int) -> None:
    """The progress of a run that nobody follows."""


class ReportFormat(StrEnum):
    HTML = "html"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "md"


@dataclass(frozen=True, slots=True)
class ReportOptions:
    format: ReportFormat = ReportFormat.HTML
    limit: int | None = None
    """The most clusters shown. None: 1,000 in a page, all in the other formats; 0: all."""
    with_map: bool = True
    max_bytes: int = 50_000_000
    """The size limit of the HTML file: thumbnails are made smaller first, then clusters are left out."""


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What was written and what was not."""

    path: Path
    size: int
    clusters_shown: int
    clusters_left_out: int
    reclaimable_bytes: int
