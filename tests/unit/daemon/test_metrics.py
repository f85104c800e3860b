from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from dedupctl.catalog.catalog import Catalog
from dedupctl.daemon.health import Health
from dedupctl.daemon.heartbeat import Heartbeat, read_heartbeat
from dedupctl.daemon.metrics import NUMBERS, Metrics, at_place
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.roots import WatchedRoots
from dedupctl.daemon.settle import Settler
from dedupctl.daemon.watcher import Watcher
from dedupctl.indexing.pipeline import Progress

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana-dashboard.json"


@pytest.fixture
def health(tmp_path: Path) -> Iterator[Health]:
    watcher = Watcher(is_tool_name=lambda _name: False, polling_seconds=60.0)
    (tmp_path / "photos").mkdir()
    watcher.watch(bytes(tmp_path / "photos"))
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        yield Health(
            catalog,
            Notifier(None),
            heartbeat=Heartbeat(tmp_path, {"RUNTIME_DIRECTORY": str(tmp_path / "run")}),
            roots=WatchedRoots(catalog, watcher, lambda _line: None),
            watcher=watcher,
            settler=Settler(1.0, lambda: 0.0),
            config_digest="",
        )
    watcher.close()


def scraped(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_prometheus_gets_every_number_of_the_heartbeat(health: Health) -> None:
    health.progress(Progress(read=10, to_read=30, to_compare=4))
    health.next_scan_at = 1_900_000_000
    health.tell("scanning (start)")
    metrics = Metrics(0, lambda: health.details)
    try:
        found = scraped(metrics.port)
    finally:
        metrics.close()
    assert found['dedupctl_doing{doing="scanning"}'] == 1
    assert found["dedupctl_progress_files_to_read"] == 30
    assert (found["dedupctl_watchers"], found["dedupctl_watchers_alive"], found["dedupctl_watches_used"]) == (1, 1, 1)
    assert found["dedupctl_next_scan_timestamp_seconds"] == 1_900_000_000
    told = {f"dedupctl_{name}" for place, (name, _) in NUMBERS.items() if at_place(health.details, place) is not None}
    assert told <= found.keys()


def test_no_number_of_the_heartbeat_is_forgotten(health: Health) -> None:
    health.progress(Progress())
    health.tell("watching")

    def places(state: dict[str, object], before: str = "") -> Iterator[str]:
        for name, value in state.items():
            if isinstance(value, dict):
                yield from places(value, f"{before}{name}.")
            elif not isinstance(value, str | list):
                yield before + name

    left_out = {"pid", "events.last_lost_at", "progress.found", "progress.errors", "progress.seconds"}
    assert set(places(health.details)) == NUMBERS.keys() | left_out


def test_the_dashboard_asks_only_for_what_there_is() -> None:
    asked = set(re.findall(r"dedupctl_[a-z_]+", json.dumps(json.loads(DASHBOARD.read_text())["panels"])))
    assert asked <= {f"dedupctl_{name}" for name, _ in NUMBERS.values()} | {"dedupctl_doing"}
    assert len(asked) > 10


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Metrics(taken.getsockname()[1], dict)


def test_the_catalog_is_written_only_when_something_has_changed_and_the_last_word_ends_the_heartbeat(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    write = Catalog.write
    monkeypatch.setattr(Catalog, "write", lambda catalog, **how: writes.append("write") or write(catalog, **how))
    for _ in range(3):
        health.tell("watching")
    assert len(writes) == 1
    assert (read_heartbeat(health._heartbeat.path) or {})["doing"] == "watching"
    health.say_goodbye()
    assert len(writes) == 2
    assert read_heartbeat(health._heartbeat.path) is None
