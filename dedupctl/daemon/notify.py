"""Notifications to the service manager: the `sd_notify` protocol (systemd's `sd_notify(3)`), without a library."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

from dedupctl.report.wording import shown

log = logging.getLogger(__name__)

SEND_SECONDS = 0.2
"""Long enough for a busy manager, short enough that a hung manager does not hang the daemon."""


START_SECONDS = 120
"""By how much each sign of life during the start extends the time allowed."""


class Notifier:
    """Sends state changes to the socket the service manager named; without one, every call does nothing.

    An unreachable manager must never stop the daemon, so a failed send is only logged.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._is_ready = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        """Read `NOTIFY_SOCKET` as the service manager sets it."""
        return cls(environment.get("NOTIFY_SOCKET"))

    def ready(self) -> None:
        """The daemon has started: it holds its lock, and its stores are intact."""
        self._is_ready = True
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for people, shown by `systemctl status`."""
        self._send("STATUS=" + shown(" ".join(text.splitlines())))

    def alive(self) -> None:
        """The daemon makes progress. Without this signal within the watchdog's limit, the manager restarts it.

        A start that makes progress has no time limit: it may migrate, rebuild the index or wait for a store.
        """
        self._send("WATCHDOG=1" if self._is_ready else f"WATCHDOG=1\nEXTEND_TIMEOUT_USEC={START_SECONDS * 1_000_000}")

    def stopping(self) -> None:
        """The daemon has begun to shut down."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(SEND_SECONDS)
                channel.sendto(message.encode("utf-8", "backslashreplace"), _socket_name(self._address))
        except OSError as error:
            log.debug("cannot notify %s: %s", self._address, error)


def _socket_name(address: str) -> bytes:
    """The kernel's name for the socket. A leading `@` stands for the null byte of an abstract socket."""
    name = os.fsencode(address)
    return b"\0" + name[1:] if name.startswith(b"@") else name
