"""Close connections that request nothing: otherwise one client could occupy them all and shut everybody out.

A review kept 1,100 open with half a header each. The process ran out of descriptors, and the page answered nobody.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""How long a connection may take to send a complete request header, and to begin the next request."""
MOST_CONNECTIONS = 256
"""A process has 1,024 descriptors by default; the catalog and the pictures need some of the rest."""
BACKLOG = 128
"""Connections accepted at once, before the first of them is handled."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with a deadline for each request header and a limit on open connections."""

    _waiting_since = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._settle()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_waiting()
        self._settle()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _settle(self) -> None:
        """While no request is being answered, wait for a header, with a deadline that no trickle of bytes extends."""
        if self._is_answering or self.transport.is_closing():
            self._stop_waiting()
        elif self._deadline is None:
            self._waiting_since = self.loop.time()
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """If there are too many, close the one that has been idle longest, or the new one if all others are busy."""
        opened = [
            one for one in self.connections if isinstance(one, PatientProtocol) and not one.transport.is_closing()
        ]
        if len(opened) <= MOST_CONNECTIONS:
            return
        waited_for = [one for one in opened if not one._is_answering and one is not self]
        min(waited_for, key=lambda one: one._waiting_since, default=self).transport.abort()
