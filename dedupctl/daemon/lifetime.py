"""The life of the daemon: it opens the stores and serves until told to stop. It reopens them after an outage or a
change of configuration.

A full disk, a catalog locked by a backup program and a home directory on an unplugged disk are all temporary. The
daemon does not repair interrupted work piece by piece but starts again, as after a crash: the scan at every start finds
and reads whatever was read but not stored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from dedupctl.catalog.catalog import DAEMON_OUTAGE, Catalog
from dedupctl.config import Config, load_config
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.pulse import Pulse
from dedupctl.daemon.service import Say, Service
from dedupctl.errors import ConfigError, Interrupted, StoreUnavailable
from dedupctl.indexing.roots import scan_targets
from dedupctl.workspace import Workspace

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 300.0
"""After a run this long, the next outage begins with a short pause again."""


class Lifetime:
    """The caller holds the workspace's lock throughout, so that no other indexer can intervene."""

    def __init__(
        self,
        home: Path,
        notifier: Notifier,
        is_stopped: Callable[[], bool],
        say: Say,
        take_hangup: Callable[[], bool] = lambda: False,
    ) -> None:
        """`take_hangup` tells whether SIGHUP has come since it was last asked.

        Raises:
            ConfigError: the configuration is invalid.
        """
        self._home = home
        self._notifier = notifier
        self._is_stopped = is_stopped
        self._take_hangup = take_hangup
        self._say = say
        self._pulse = Pulse(notifier, self._is_over)
        self._config = load_config(home)
        self._next_config: Config | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._outage: str | None = None
        self._has_roots = False
        """It started with at least one root. If the last one is removed while it runs, it waits for another."""

    def run(self, paths: Sequence[bytes] = ()) -> None:
        """Watch these folders and every known root until told to stop.

        Raises:
            UsageError: as `scan_targets`. StoreDamaged, StoreNewer: the fault is permanent.
        """
        while True:
            with suppress(Interrupted):
                self._serve_or_wait(paths)
            if self._next_config is None or self._is_stopped():
                break
            self._config, self._next_config = self._next_config, None
            self._say("the configuration was reloaded")
        self._notifier.stopping()

    def _serve_or_wait(self, paths: Sequence[bytes]) -> None:
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

    def _is_over(self) -> bool:
        """Whether this service must end, either for good or to apply another configuration."""
        if self._take_hangup():
            self._consider_config()
        return self._next_config is not None or self._is_stopped()

    def _consider_config(self) -> None:
        try:
            config = load_config(self._home)
        except ConfigError as error:
            self._say(f"the configuration is invalid and was not reloaded: {error}")
            return
        if config == self._config:
            self._say("the configuration has not changed")
            return
        self._next_config = config

    def _serve(self, paths: Sequence[bytes]) -> None:
        with Workspace.open(self._home, create=True, beat=self._pulse.beat, config=self._config) as workspace:
            self._put_down(workspace.catalog)
            if not self._has_roots:
                scan_targets(workspace.catalog, paths)
                self._has_roots = True
            Service(workspace, self._notifier, self._pulse, self._is_over, self._say).run()

    def _put_down(self, catalog: Catalog) -> None:
        """Prove that the catalog can be written by recording the outage that has ended."""
        with catalog.write(durable=True) as tx:
            tx.meta.put(DAEMON_OUTAGE, json.dumps(self._outage or tx.meta.document(DAEMON_OUTAGE)))
        if self._outage is not None:
            self._say("the stores can be used again; everything is scanned again")
            self._outage = None

    def _wait_out(self, reason: str) -> None:
        if self._outage is None:
            self._say(f"waiting until the stores can be used again: {reason}")
        self._outage = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {reason}"
        self._notifier.status(f"waiting: {reason}")
        self._pulse.rest(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
