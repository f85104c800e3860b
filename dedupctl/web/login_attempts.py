"""How many wrong passwords are accepted before their sender has to wait."""

from __future__ import annotations

import ipaddress
import time
from collections import defaultdict, deque
from collections.abc import Callable

WINDOW_SECONDS = 15 * 60.0
MOST_FROM_ONE = 10
"""A person who is unsure which password it was needs no more than ten; a million tries would take 170 years."""
MOST_FROM_ALL = 100
"""The limit for all addresses together. Whoever is already logged in is not affected."""
_ALL = "all"


class LoginAttempts:
    """The wrong passwords of the last quarter of an hour, by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, address: str) -> float:
        """Seconds until this address may try again; 0 means now."""
        self._forget()
        limits = ((_ALL, MOST_FROM_ALL), (_network(address), MOST_FROM_ONE))
        full = [self._failed[who][-most] for who, most in limits if len(self._failed.get(who, ())) >= most]
        return max((since + WINDOW_SECONDS - self._clock() for since in full), default=0.0)

    def failed(self, address: str) -> None:
        for who in (_ALL, _network(address)):
            self._failed[who].append(self._clock())

    def _forget(self) -> None:
        begin = self._clock() - WINDOW_SECONDS
        for who in list(self._failed):
            times = self._failed[who]
            while times and times[0] <= begin:
                times.popleft()
            if not times:
                del self._failed[who]


def _network(address: str) -> str:
    """The network to count by: one customer of a provider has a whole /64 of IPv6 addresses."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.version == 6 and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
