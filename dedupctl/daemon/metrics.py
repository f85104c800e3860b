"""What the daemon knows of itself as Prometheus metrics, on a loopback port that the configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

LOOPBACK = "127.0.0.1"
NUMBERS = {
    "beat_at": ("heartbeat_timestamp_seconds", "When the daemon last wrote how it is."),
    "settling": ("files_settling", "Files that are still being written."),
    "next_scan_at": ("next_scan_timestamp_seconds", "When the next periodic scan is due."),
    "watches.alive": ("watchers_alive", "Roots whose watcher lives."),
    "watches.wanted": ("watchers", "Roots that are to be watched."),
    "watches.used": ("watches_used", "Folders that the kernel watches."),
    "watches.limit": ("watches_limit", "How many it may watch for this user."),
    "watches.unwatched": ("folders_unwatched", "Folders that cannot be watched."),
    "events.seen": ("events_seen", "Events heard since the start."),
    "events.lost": ("events_lost", "How often events were lost since the start, which a scan made up for."),
    "events.waiting": ("events_waiting", "Events that wait to be looked at."),
    "events.oldest_seconds": ("events_oldest_seconds", "Age of the oldest of them."),
    "events.last_at": ("last_event_timestamp_seconds", "When the last one was heard."),
    "progress.read": ("progress_files_read", "Files read by the work at hand."),
    "progress.to_read": ("progress_files_to_read", "Files found so far that it has to read."),
    "progress.compared": ("progress_pairs_compared", "Pairs of pictures compared by the work at hand."),
    "progress.to_compare": ("progress_pairs_to_compare", "Pairs proposed so far that it has to compare."),
    "progress.seconds_left": ("progress_seconds_left", "How long the reading will still take."),
}
"""Name and help of each number of the heartbeat, by its place there. A test holds both equal."""


class _Heart(Collector):
    def __init__(self, state: Callable[[], dict[str, Any]]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        doing = str(state["doing"]).partition(",")[0].partition(" (")[0].partition(":")[0]
        now = GaugeMetricFamily("dedupctl_doing", "1 for what the daemon does now.", labels=["doing"])
        now.add_metric([doing], 1)
        yield now
        for place, (name, about) in NUMBERS.items():
            value = at_place(state, place)
            if value is not None:
                yield GaugeMetricFamily(f"dedupctl_{name}", about, value=float(value))


class Metrics:
    """The port, open from now on until closed."""

    def __init__(self, port: int, state: Callable[[], dict[str, Any]]) -> None:
        """`state` is asked from a thread of its own.

        Raises:
            OSError: the port is taken, or the unit of the daemon forbids it to have one.
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
    """What stands at a place like "events.seen"; None where there is nothing."""
    found: Any = state
    for name in place.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found
