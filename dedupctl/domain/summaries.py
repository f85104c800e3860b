"""What one scan of the roots found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one scan of the roots found and how long it took."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    gone: int = 0
    errors: int = 0
    passed_over: int = 0
    """Number of system folders that were skipped."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """CPU or wall-clock seconds by name of the stage."""
