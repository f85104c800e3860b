"""One life of the daemon: it opens the stores and serves until told to stop, and opens them anew after an outage.

A full disk, a catalog locked by a backup program, a home on a disk that was pulled: all of them pass. What was under
way then is not mended piece by piece but begun anew, as after a crash: whatever was read and not stored is found and
read again by the scan with which every start begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dedupctl.catalog.catalog import DAEMON_OUTAGE, Catalog
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.pulse import Pulse
from dedupctl.daemon.service import Say, Service
from dedupctl.errors import Interrupted, StoreUnavailable
from dedupctl.indexing.roots import places
from dedupctl.workspace import Workspace

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 300.0
"""A life that lasted this long was no vain try: the next outage begins with a short pause again."""


class Lifetime:
    """The caller holds the workspace's lock all the while, so that no other indexer slips in between."""

    def __init__(self, home: Path, notifier: Notifier, is_stopped: Callable[[], bool], say: Say) -> None:
        self._home = home
        self._notifier = notifier
        self._is_stopped = is_stopped
        self._say = say
        self._pulse = Pulse(notifier, is_stopped)
        self._pause = FIRST_PAUSE_SECONDS
        self._outage: str | None = None
        self._has_roots = False
        """It began with some. Should the last of them be removed while it runs, it waits for the next."""

    def run(self, paths: Sequence[bytes] = ()) -> None:
        """Watch these folders and every known root until told to stop.

        Raises:
            UsageError: as `places`. ConfigError, StoreDamaged, StoreNewer: nothing that would pass.
        """
        try:
            while True:
                began = time.monotonic()
                try:
                    self._serve(paths)
                except StoreUnavailable as error:
                    if time.monotonic() - began >= HEALTHY_SECONDS:
                        self._pause = FIRST_PAUSE_SECONDS
                    self._wait_out(str(error))
                else:
                    return
        except Interrupted:
            return

    def _serve(self, paths: Sequence[bytes]) -> None:
        with Workspace.open(self._home, create=True, beat=self._pulse.beat) as workspace:
            self._put_down(workspace.catalog)
            if not self._has_roots:
                places(workspace.catalog, paths)
                self._has_roots = True
            Service(workspace, self._notifier, self._pulse, self._is_stopped, self._say).run()

    def _put_down(self, catalog: Catalog) -> None:
        """Prove that the catalog can be written, by what is to be told of the outage that has passed."""
        with catalog.write(durable=True) as tx:
            tx.meta.put(DAEMON_OUTAGE, self._outage or tx.meta.get(DAEMON_OUTAGE) or "")
        if self._outage is not None:
            self._say("the stores can be used again; everything is looked at anew")
            self._outage = None

    def _wait_out(self, reason: str) -> None:
        if self._outage is None:
            self._say(f"waiting until the stores can be used again: {reason}")
        self._outage = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {reason}"
        self._notifier.status(f"waiting: {reason}")
        self._pulse.rest(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
