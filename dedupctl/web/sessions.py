"""The sessions of this start, and the token that lets in one browser. Nothing here outlives the server."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256

SESSION_SECONDS = 24 * 3600.0
"""After a day a browser has to log in again."""
MOST_SESSIONS = 100


class Sessions:
    """The sessions of one server. Only digests are kept, so that the time of a lookup does not reveal a near miss."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[bytes, float] = {}

    def begin(self) -> str:
        """The secret of a new session, for a cookie."""
        secret = secrets.token_urlsafe(32)
        self._ends[_digest(secret)] = self._clock() + SESSION_SECONDS
        while len(self._ends) > MOST_SESSIONS:
            self._ends.pop(next(iter(self._ends)))
        return secret

    def knows(self, secret: str) -> bool:
        return self._ends.get(_digest(secret), 0.0) > self._clock()

    def end(self, secret: str) -> None:
        self._ends.pop(_digest(secret), None)


class OneTimeToken:
    """A token that is valid once: the link contains it, so it also ends up in the history of a terminal."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(24)
        self.spent = False

    def spend(self, given: str) -> bool:
        """Whether it is the token and has not been spent before; spends it."""
        if self.spent or not same(given, self.value):
            return False
        self.spent = True
        return True


def same(given: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
