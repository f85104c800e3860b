"""Whoever holds connections open without asking for anything shuts nobody else out. Real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from rendered_library import RenderedLibrary, drawn
from visitor import Visitor

from dedupctl.web import connections

HALF_A_HEADER = b"GET / HTTP/1.1\r\nHost: "


@contextmanager
def half_open(visitor: Visitor, sent: bytes = HALF_A_HEADER) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", visitor.keys.port), timeout=30) as made:
        made.sendall(sent)
        yield made


def is_closed(connection: socket.socket) -> bool:
    """Waits for what the server does next."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def has_ended(connection: socket.socket) -> bool:
    """Whether the server has closed it, asked at once."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 16):
            continue
    except BlockingIOError:
        return False
    return True


def request(visitor: Visitor, path: str = "/static/page.js") -> bytes:
    lines = [f"GET {visitor.keys.base}{path} HTTP/1.1", f"Host: 127.0.0.1:{visitor.keys.port}"]
    return "\r\n".join([*lines, f"Cookie: {visitor.cookie}", "", ""]).encode()


@pytest.mark.parametrize("sent", [b"", HALF_A_HEADER])
def test_a_header_that_does_not_come_is_not_waited_for(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)
    with half_open(visitor, sent) as waiting:
        assert is_closed(waiting)


def test_a_trickle_of_bytes_puts_the_end_not_off(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    with half_open(visitor) as waiting:
        waiting.settimeout(0.05)
        for _ in range(600):
            try:
                waiting.sendall(b"x")
                if waiting.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        pytest.fail("the connection stays open as long as a byte comes now and then")


def test_half_a_second_request_is_not_waited_for_either(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    with half_open(visitor, request(visitor)) as waiting:
        assert waiting.recv(15) == b"HTTP/1.1 200 OK"
        waiting.sendall(HALF_A_HEADER)
        while waiting.recv(1 << 16):
            continue


def test_what_is_being_answered_is_left_in_peace(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events go on for as long as the page is open."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    with half_open(visitor, request(visitor, "/events?seen=none")) as listening, half_open(visitor) as waiting:
        assert listening.recv(15) == b"HTTP/1.1 200 OK"
        assert is_closed(waiting)
        with half_open(visitor), half_open(visitor):
            assert visitor.get("/static/page.js").status == 200
        assert not has_ended(listening)


def test_the_newest_gets_a_place_and_the_longest_waiting_loses_its_own(
    library: RenderedLibrary, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = library.add_content(drawn(1))
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 8)
    with ExitStack() as stack:
        waiting = [stack.enter_context(half_open(visitor)) for _ in range(40)]
        assert visitor.get(f"/thumbnail/{number}").status == 200
        assert all(map(is_closed, waiting[:32]))
