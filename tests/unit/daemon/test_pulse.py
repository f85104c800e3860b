from __future__ import annotations

import pytest

from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.pulse import Pulse
from dedupctl.errors import Interrupted


class CountingNotifier(Notifier):
    def __init__(self) -> None:
        super().__init__(None)
        self.beats = 0

    def alive(self) -> None:
        self.beats += 1


class Hours:
    """A clock that goes on while somebody sleeps, and a wish to stop at some time."""

    def __init__(self, stop_at: float = float("inf")) -> None:
        self.now = 0.0
        self.stop_at = stop_at

    def nap(self, seconds: float) -> None:
        self.now += seconds

    def is_stopped(self) -> bool:
        return self.now >= self.stop_at


def test_a_beat_is_passed_on_once_a_second_however_often_it_is_called() -> None:
    notifier, hours = CountingNotifier(), Hours()
    pulse = Pulse(notifier, hours.is_stopped, lambda: hours.now)
    for _ in range(1000):
        pulse.beat()
        hours.nap(0.0625)
    assert notifier.beats == 63


def test_what_beats_is_left_off_when_it_is_time_to_stop_but_not_what_must_come_to_its_end() -> None:
    pulse = Pulse(Notifier(None), lambda: True)
    with pulse.uninterrupted():
        pulse.beat()
        with pulse.uninterrupted():
            pulse.beat()
        pulse.beat()
    with pytest.raises(Interrupted):
        pulse.beat()


def test_a_rest_beats_and_ends_at_once_when_it_is_time_to_stop() -> None:
    notifier, hours = CountingNotifier(), Hours(stop_at=30)
    pulse = Pulse(notifier, hours.is_stopped, lambda: hours.now)
    pulse.rest(10.5, hours.nap)
    assert (hours.now, notifier.beats) == (10.5, 11)
    with pytest.raises(Interrupted):
        pulse.rest(60, hours.nap)
    assert hours.now == 30.5


def test_a_farewell_has_so_many_seconds_and_no_more() -> None:
    hours = Hours(stop_at=0)
    pulse = Pulse(Notifier(None), hours.is_stopped, lambda: hours.now)
    with pulse.uninterrupted(2.0):
        hours.nap(1.9)
        pulse.beat()
        hours.nap(0.1)
        with pytest.raises(Interrupted):
            pulse.beat()
