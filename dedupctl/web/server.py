"""The server: runs in its own thread until the end of the block, on 127.0.0.1 unless another address is given."""

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
    """Serve the review page of this workspace; `link` of the yielded keys opens it.

    Args:
        port: 0 picks a free one.
        policy: the policy whose keepers are shown.
        address: where to listen. Any but 127.0.0.1 needs a password.
        password: lets in whoever knows it; without a password, the link lets in one browser.
        base_url: as `base_url_of` returns it.

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
            workers.close()  # requests that still wait for a picture fail, so that the server can stop
            thread.join()


def _bound(address: str, port: int) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{address} is no address of this machine") from error
    # asyncio switches Nagle's delay off only if the protocol is given explicitly; it cost 40 ms per picture.
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
