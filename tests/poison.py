"""Workers with a decoder that some files are poison to. A module of its own, so that worker processes can import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import Future

from dedupctl.indexing import workers
from dedupctl.indexing.workers import Batch, Workers

DEADLY, ENDLESS = b"deadly", b"endless"


class PoisonedWorkers(Workers):
    """A file with "deadly" in its name kills the worker that reads it; with "endless" in it, it is never read."""

    def read(self, paths: Sequence[bytes]) -> Future[Batch]:
        return self._schedule(_read, list(paths))


def _read(paths: list[bytes]) -> Batch:
    for path in paths:
        if DEADLY in path:
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does with a decoder that takes too much memory
        while ENDLESS in path:
            time.sleep(1)
    return workers._read(paths)
