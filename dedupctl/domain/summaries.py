"""What one visit of the roots found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one visit of the roots found and what it cost."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    gone: int = 0
    errors: int = 0
    passed_over: int = 0
    """System folders that were not looked into."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """CPU or wall seconds by stage, named by the stage."""
