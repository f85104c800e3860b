from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dedupctl.catalog.catalog import DAEMON_PAUSED, Catalog
from dedupctl.config import WatchConfig
from dedupctl.daemon.pace import LOOK_SECONDS, Pace


class Day:
    """A clock, a time of day and the power supplies of a machine."""

    def __init__(self, catalog: Catalog, supplies: Path) -> None:
        self.catalog = catalog
        self.supplies = supplies
        self.now = 0.0
        self.time = "12:00"

    def pace(self, **watch: object) -> Pace:
        return Pace(
            self.catalog,
            WatchConfig.model_validate(watch),
            2,
            clock=lambda: self.now,
            time_of_day=lambda: self.time,
            power_supplies=self.supplies,
        )

    def at(self, time: str) -> str:
        self.time = time
        self.now += LOOK_SECONDS
        return time

    def plug(self, name: str, **facts: str) -> None:
        (self.supplies / name).mkdir(parents=True, exist_ok=True)
        for fact, value in facts.items():
            (self.supplies / name / fact).write_text(f"{value}\n")


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        yield Day(catalog, tmp_path / "power")


def test_by_default_it_never_rests(day: Day) -> None:
    pace = day.pace()
    pace.spent(1000.0)
    assert pace.why_resting() is None
    assert not pace.is_resting()


def test_a_person_pauses_it_and_has_it_go_on_within_seconds(day: Day) -> None:
    pace = day.pace()
    assert not pace.is_resting()
    for paused in ("1700000000", "null"):
        with day.catalog.write() as tx:
            tx.meta.put(DAEMON_PAUSED, paused)
        day.now += LOOK_SECONDS
        assert pace.is_resting() == (paused != "null")
        assert (pace.why_resting() or "").startswith("paused") == (paused != "null")


@pytest.mark.parametrize(
    ("hours", "working"),
    [
        ("08:00-17:30", ["08:00", "12:00", "17:29"]),
        ("22:00-06:00", ["22:00", "23:59", "00:00", "05:59"]),
        ("00:00-00:00", ["00:00", "05:59", "06:00", "08:00", "12:00", "17:29", "17:30", "22:00", "23:59"]),
    ],
)
def test_outside_of_its_active_hours_it_rests(day: Day, hours: str, working: list[str]) -> None:
    pace = day.pace(active_hours=hours)
    times = ["00:00", "05:59", "06:00", "08:00", "12:00", "17:29", "17:30", "22:00", "23:59"]
    assert [time for time in times if day.at(time) and pace.why_resting() is None] == sorted(working)


@pytest.mark.parametrize("wrong", ["8-17", "24:00-06:00", "08:00", "08:00-17:60", "08:00 - 17:00"])
def test_hours_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="active_hours"):
        WatchConfig(active_hours=wrong)


def test_on_battery_it_rests_if_it_is_asked_to(day: Day) -> None:
    pace, careless = day.pace(on_battery="pause"), day.pace()

    def rests() -> tuple[bool, bool]:
        day.now += LOOK_SECONDS
        return pace.is_resting(), careless.is_resting()

    assert rests() == (False, False)
    day.plug("hidpp_battery_0", type="Battery", scope="Device")
    assert rests() == (False, False)
    day.plug("BAT0", type="Battery")
    assert rests() == (True, False)
    day.plug("AC", type="Mains", online="1")
    assert rests() == (False, False)
    day.plug("AC", type="Mains", online="0")
    assert rests() == (True, False)


def test_a_share_of_the_processor_is_kept_to_by_resting_after_work(day: Day) -> None:
    """Two workers that each work 1 second of 4 use it for a quarter of the time."""
    pace = day.pace(cpu_share=0.25)
    pace.spent(1.0)
    pace.spent(1.0)
    rested = until_awake(day, pace.is_resting)
    assert rested == pytest.approx(3.0, abs=0.02)
    assert pace.why_resting() is None


def until_awake(day: Day, is_resting: Callable[[], bool]) -> float:
    began = day.now
    while is_resting():
        day.now += 0.01
    return day.now - began
