from __future__ import annotations

from dedupctl.web.login_attempts import MOST_FROM_ALL, MOST_FROM_ONE, WINDOW_SECONDS, LoginAttempts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_address_may_be_wrong_some_times_and_then_waits_for_the_first_to_be_forgotten() -> None:
    clock = Clock()
    attempts = LoginAttempts(clock)
    for _ in range(MOST_FROM_ONE):
        assert attempts.wait("10.0.0.1") == 0
        attempts.failed("10.0.0.1")
        clock.now += 1
    assert attempts.wait("10.0.0.1") == WINDOW_SECONDS - MOST_FROM_ONE
    assert attempts.wait("10.0.0.2") == 0
    clock.now += WINDOW_SECONDS - MOST_FROM_ONE
    assert attempts.wait("10.0.0.1") == 0
    attempts.failed("10.0.0.1")
    assert attempts.wait("10.0.0.1") > 0


def test_a_whole_network_of_ipv6_is_one_address() -> None:
    attempts = LoginAttempts(Clock())
    for number in range(MOST_FROM_ONE):
        attempts.failed(f"2001:db8:1:2::{number:x}")
    assert attempts.wait("2001:db8:1:2:ffff::1") > 0
    assert attempts.wait("2001:db8:1:3::1") == 0
    for number in range(MOST_FROM_ONE):
        attempts.failed(f"::ffff:10.0.0.{number}")
    assert attempts.wait("::ffff:10.0.0.99") == 0


def test_many_addresses_together_get_no_further() -> None:
    clock = Clock()
    attempts = LoginAttempts(clock)
    for number in range(MOST_FROM_ALL):
        attempts.failed(f"10.0.{number}.1")
    assert attempts.wait("192.168.1.1") == WINDOW_SECONDS
    clock.now += WINDOW_SECONDS
    assert attempts.wait("192.168.1.1") == 0
    assert attempts.wait("") == 0
