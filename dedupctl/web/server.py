"""The server: in a thread of its own, until the end of the block. On 127.0.0.1 unless another address is asked for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from dedupctl.config import TIDY, PolicyConfig
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.indexing.workers import Workers
from dedupctl.web.app import make_app
from dedupctl.web.connections import BACKLOG, PatientProtocol
from dedupctl.web.keys import THIS_MACHINE, Keys
from dedupctl.web.password import Password
from dedupctl.web.pictures import AT_ONCE, PATIENCE
from dedupctl.web.queue import Queue
from dedupctl.workspace import Workspace

START_SECONDS = 30.0


@contextmanager
def serving(
    workspace: Workspace,
    port: int = 0,
    policy: PolicyConfig = TIDY,
    *,
    address: str = THIS_MACHINE,
    password: Password | None = None,
    base_url: str = "",
) -> Iterator[Keys]:
    """The review page of this workspace; `link` of what is yielded opens it.

    Args:
        port: 0 takes a free one.
        policy: whose keepers are shown.
        address: where to listen. Another than this machine's own needs a password.
        password: lets in whoever knows it; without one the link does, once.
        base_url: as `base_url_of` makes it.

    Raises:
        UsageError: the address or port is taken or not allowed.
        DedupctlError: the server did not start.
    """
    assert password is not None or address == THIS_MACHINE
    with _bound(address, port) as listening:
        keys = Keys(listening.getsockname()[1], password, address, base_url)
        queue = Queue(workspace.catalog, policy)
        workers = Workers(workspace.config, workspace.catalog.path, count=AT_ONCE, seconds=PATIENCE)
        config = uvicorn.Config(
            make_app(workspace, queue, workers, keys),
            http=PatientProtocol,
            backlog=BACKLOG,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server", daemon=True)
        queue.start()
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield keys
        finally:
            queue.stop()
            server.should_exit = True
            workers.close()  # whoever still waits for a picture is told so, and the server can end
            thread.join()


def _bound(address: str, port: int) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{address} is no address of this machine") from error
    # The protocol is named, because asyncio switches Nagle's delay off only where it is: 40 ms a picture.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(place)
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on port {port} of {address}: {error.strerror}") from error
    return listening


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise DedupctlError("the page could not be served")
        time.sleep(0.01)
