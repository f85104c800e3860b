"""How much memory decoding may use: for all workers together, for one large picture, and for an ordinary one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dedupctl.config import ScanConfig

MEGABYTE = 1 << 20
ORDINARY = 256 * MEGABYTE
"""The most memory one decode may use while other workers also decode: enough for a HEIC of 36 megapixels or a
progressive JPEG of 43 (5.9 bytes per pixel without subsampling). Pictures that need more wait their turn."""
OWN = 192 * MEGABYTE
"""What a worker uses before it decodes anything: 156 MB resident, most of it shared with the other workers."""
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Budget:
    """Memory in bytes. At any moment the busy workers together use at most `total`."""

    total: int
    largest: int
    """The most that one worker, including its own overhead, may use while it decodes a large picture."""

    @property
    def workers(self) -> int:
        """The number of workers that may decode ordinary pictures at the same time."""
        return max(1, self.total // (OWN + ORDINARY))

    @property
    def allowance(self) -> int:
        """The memory available for decoding one large picture."""
        return max(MEGABYTE, self.largest - OWN)


def budget_of(config: ScanConfig, memory: int | None = None) -> Budget:
    """The configured budget; if none is configured, half of `memory` (by default the available memory)."""
    total = config.memory_mb * MEGABYTE or (available_memory() if memory is None else memory) // 2
    return Budget(total, min(total, config.worker_memory_mb * MEGABYTE))


def available_memory() -> int:
    """Bytes of memory that this process may use: that of the machine, or the limit of its control group (v2) if lower.

    `memory.high` counts like `memory.max`: above it the kernel throttles the group until it makes no progress.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for group in _own_groups():
        for name in ("memory.max", "memory.high"):
            try:
                limits.append(int((group / name).read_text()))
            except (OSError, ValueError):  # not there, or "max"
                continue
    return min(limits)


def _own_groups() -> list[Path]:
    """The control group of this process and its ancestors, as far as they are visible from here."""
    try:
        entries = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((entry.partition("::")[2] for entry in entries if entry.startswith("0::")), None)
    if own is None:
        return []
    group = _CGROUPS / own.lstrip("/")
    return [group, *(outer for outer in group.parents if outer.is_relative_to(_CGROUPS))]
