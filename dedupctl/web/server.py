"""The server: on 127.0.0.1 only, in a thread of its own, until the end of the block."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from dedupctl.errors import DedupctlError, UsageError
from dedupctl.indexing.workers import Workers
from dedupctl.web.app import make_app
from dedupctl.web.guard import Keys
from dedupctl.web.pictures import AT_ONCE, PATIENCE
from dedupctl.web.queue import Queue
from dedupctl.workspace import Workspace

START_SECONDS = 30.0


@contextmanager
def serving(workspace: Workspace, port: int = 0) -> Iterator[Keys]:
    """The review page of this workspace; `link` of what is yielded opens it.

    Args:
        port: 0 takes a free one.

    Raises:
        UsageError: the port is taken or not allowed.
        DedupctlError: the server did not start.
    """
    with _bound(port) as listening:
        keys = Keys(listening.getsockname()[1])
        queue = Queue(workspace.catalog)
        workers = Workers(workspace.config, workspace.catalog.path, count=AT_ONCE, seconds=PATIENCE)
        config = uvicorn.Config(
            make_app(workspace, queue, workers, keys),
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


def _bound(port: int) -> socket.socket:
    # The protocol is named, because asyncio switches Nagle's delay off only where it is: 40 ms a picture.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on port {port}: {error.strerror}") from error
    return listening


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise DedupctlError("the page could not be served")
        time.sleep(0.01)
