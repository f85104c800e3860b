"""When and how hard the daemon may work: pauses, active hours, battery power and its share of the processor."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dedupctl.catalog.catalog import DAEMON_PAUSED, Catalog
from dedupctl.config import WatchConfig

POWER_SUPPLIES = Path("/sys/class/power_supply")
LOOK_SECONDS = 2.0
"""How long an answer is cached, and so how long `pause` may take to have an effect."""


class Pace:
    """Decides when to rest. Events are still received meanwhile and handled afterwards."""

    def __init__(
        self,
        catalog: Catalog,
        config: WatchConfig,
        workers: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], str] = lambda: time.strftime("%H:%M"),
        power_supplies: Path = POWER_SUPPLIES,
    ) -> None:
        """`time_of_day` is local, as "HH:MM"."""
        self._catalog = catalog
        self._config = config
        self._workers = workers
        self._clock = clock
        self._time_of_day = time_of_day
        self._power_supplies = power_supplies
        self._reason: str | None = None
        self._asked_at = float("-inf")
        self._breath_until = float("-inf")

    def why_resting(self) -> str | None:
        """The reason why no work may be done now, or None."""
        now = self._clock()
        if now - self._asked_at >= LOOK_SECONDS:
            self._asked_at = now
            self._reason = self._reason_to_rest()
        return self._reason

    def is_resting(self) -> bool:
        """Whether to hand out no work now, for a reason as above or because the processor share is used up."""
        return self._clock() < self._breath_until or self.why_resting() is not None

    def spent(self, cpu_seconds: float) -> None:
        """Count the CPU time of a worker. All workers then rest long enough to stay within the processor share."""
        share = self._config.cpu_share
        rest = cpu_seconds * (1 / share - 1) / self._workers
        self._breath_until = max(self._breath_until, self._clock()) + rest

    def _reason_to_rest(self) -> str | None:
        with self._catalog.read() as tx:
            if tx.meta.document(DAEMON_PAUSED):
                return "paused (dedupctl resume)"
        hours = self._config.active_hours
        if hours and not _is_within(self._time_of_day(), hours):
            return f"outside of its active hours, {hours}"
        if self._config.on_battery == "pause" and _is_on_battery(self._power_supplies):
            return "on battery"
        return None


def _is_within(now: str, hours: str) -> bool:
    """`hours` is "HH:MM-HH:MM" and may span midnight; equal ends mean the whole day."""
    begin, end = hours.split("-")
    if begin < end:
        return begin <= now < end
    return now >= begin or now < end


def _is_on_battery(supplies: Path) -> bool:
    """Whether the machine has a battery (not just a mouse) and no mains supply is plugged in."""
    has_battery = False
    for supply in sorted(supplies.iterdir()) if supplies.is_dir() else ():
        kind = _word(supply / "type")
        if kind in ("Mains", "USB") and _word(supply / "online") == "1":
            return False
        has_battery |= kind == "Battery" and _word(supply / "scope") != "Device"
    return has_battery


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
