"""The daemon's state as Prometheus metrics, on a loopback port set in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

LOOPBACK = "127.0.0.1"
NUMBERS = {
    "beat_at": ("heartbeat_timestamp_seconds", "When the daemon last wrote its heartbeat."),
    "settling": ("files_settling", "Files that are still being written."),
    "next_scan_at": ("next_scan_timestamp_seconds", "When the next periodic scan is due."),
    "watches.alive": ("watchers_alive", "Roots whose watcher is alive."),
    "watches.wanted": ("watchers", "Roots that should be watched."),
    "watches.used": ("watches_used", "Folders that the kernel watches."),
    "watches.limit": ("watches_limit", "How many folders the kernel may watch for this user."),
    "watches.unwatched": ("folders_unwatched", "Folders that cannot be watched."),
    "events.seen": ("events_seen", "Events heard since the start."),
    "events.lost": ("events_lost", "How often events were lost since the start and a scan made up for them."),
    "events.waiting": ("events_waiting", "Events waiting to be handled."),
    "events.oldest_seconds": ("events_oldest_seconds", "Age of the oldest waiting event."),
    "events.last_at": ("last_event_timestamp_seconds", "When the last event was heard."),
    "progress.read": ("progress_files_read", "Files read by the current work."),
    "progress.to_read": ("progress_files_to_read", "Files found so far that the current work must read."),
    "progress.compared": ("progress_pairs_compared", "Candidate pairs compared by the current work."),
    "progress.to_compare": (
        "progress_pairs_to_compare",
        "Candidate pairs proposed so far that the current work must compare.",
    ),
    "progress.seconds_left": ("progress_seconds_left", "Estimated time until all files are read."),
}
"""Name and help text of each number in the heartbeat, by its position there. A test keeps both in step."""


class _Heart(Collector):
    def __init__(self, state: Callable[[], dict[str, Any]]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        doing = str(state["doing"]).partition(",")[0].partition(" (")[0].partition(":")[0]
        now = GaugeMetricFamily("dedupctl_doing", "1 for what the daemon is doing now.", labels=["doing"])
        now.add_metric([doing], 1)
        yield now
        for place, (name, about) in NUMBERS.items():
            value = at_place(state, place)
            if value is not None:
                yield GaugeMetricFamily(f"dedupctl_{name}", about, value=float(value))


class Metrics:
    """The metrics port, open until `close`."""

    def __init__(self, port: int, state: Callable[[], dict[str, Any]]) -> None:
        """`state` is called from another thread.

        Raises:
            OSError: the port is in use, or the daemon's unit forbids network ports.
        """
        registry = CollectorRegistry()
        registry.register(_Heart(state))
        self._server, self._thread = start_http_server(port, addr=LOOPBACK, registry=registry)
        self.port = int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def at_place(state: dict[str, Any], place: str) -> Any:
    """The value at a position such as "events.seen"; None if there is none."""
    found: Any = state
    for name in place.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found
