from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedupctl.daemon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The service manager's end: the address as it stands in the environment, and the socket."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@dedupctl-test-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address.replace("@", "\0", 1) if request.param == "abstract" else address)
        channel.settimeout(5)
        yield address, channel


def test_every_state_reaches_the_manager(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.status("scanning\n12 of 40")
    notifier.alive()
    notifier.stopping()
    assert [channel.recv(1000) for _ in range(4)] == [
        b"READY=1",
        b"STATUS=scanning 12 of 40",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_a_name_in_a_status_can_neither_forge_a_message_nor_send_an_escape(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    Notifier(address).status("watching a\nSTOPPING=1\x1b[2J\u202e")
    assert channel.recv(1000) == rb"STATUS=watching a STOPPING=1\x1b[2J\u202e"


def test_a_status_with_a_path_that_is_not_utf8_is_sent_escaped(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    Notifier(address).status(os.fsdecode(b"/photos/\xff.jpg"))
    assert channel.recv(1000) == b"STATUS=/photos/\\xff.jpg"


def test_without_a_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    Notifier.from_environment({}).ready()


def test_the_manager_is_found_through_the_environment(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    Notifier.from_environment({"NOTIFY_SOCKET": address}).ready()
    assert channel.recv(1000) == b"READY=1"


def test_a_manager_that_went_away_does_not_stop_the_daemon(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready()


def test_a_manager_that_does_not_read_does_not_block_the_daemon(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    notifier = Notifier(address)
    notifier.ready()
    assert channel.recv(1000) == b"READY=1"
    backlog = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for _ in range(backlog + 2):
        notifier.alive()
    assert channel.recv(1000) == b"WATCHDOG=1"


def test_a_start_that_makes_progress_may_take_long(manager: tuple[str, socket.socket]) -> None:
    address, channel = manager
    notifier = Notifier(address)
    notifier.alive()
    notifier.ready()
    notifier.alive()
    heard = [channel.recv(1000) for _ in range(3)]
    assert heard == [b"WATCHDOG=1\nEXTEND_TIMEOUT_USEC=120000000", b"READY=1", b"WATCHDOG=1"]
