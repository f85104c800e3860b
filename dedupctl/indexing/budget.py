"""How much memory reading pictures may take: of all workers together, of one picture, and of one among others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dedupctl.config import ScanConfig

MEGABYTE = 1 << 20
ORDINARY = 256 * MEGABYTE
"""What decoding takes at most while other workers decode, too: a HEIC of 36 megapixels, a progressive JPEG of 43 (5.9
bytes a pixel where no channel is subsampled). What needs more waits for its turn."""
OWN = 192 * MEGABYTE
"""What a worker holds before it has decoded anything: 156 MB resident, most of them shared with the others."""
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes. At any moment the workers that are busy hold no more than `total`."""

    total: int
    largest: int
    """What one worker may come to hold, itself included, while it decodes a large picture."""

    @property
    def workers(self) -> int:
        """So many may decode ordinary pictures at a time."""
        return max(1, self.total // (OWN + ORDINARY))

    @property
    def allowance(self) -> int:
        """What decoding one large picture may take."""
        return max(MEGABYTE, self.largest - OWN)


def budget_of(config: ScanConfig, memory: int | None = None) -> Budget:
    """The budget that the configuration asks for; half of `memory` (by default of what there is) where it leaves it."""
    total = config.memory_mb * MEGABYTE or (available_memory() if memory is None else memory) // 2
    return Budget(total, min(total, config.worker_memory_mb * MEGABYTE))


def available_memory() -> int:
    """Bytes of memory that this process may use: of the machine, or less where a control group (v2) says so.

    `memory.high` counts like `memory.max`: past it the kernel slows a group down until nothing gets on.
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
    """The control group of this process and all around it, as far as they can be seen from here."""
    try:
        entries = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((entry.partition("::")[2] for entry in entries if entry.startswith("0::")), None)
    if own is None:
        return []
    group = _CGROUPS / own.lstrip("/")
    return [group, *(outer for outer in group.parents if outer.is_relative_to(_CGROUPS))]
