"""What the daemon reports: a line to the service manager, its state to the catalog, details to its heartbeat file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from dedupctl.catalog.catalog import DAEMON_STATE, Catalog
from dedupctl.daemon.heartbeat import Heartbeat
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.roots import WatchedRoots
from dedupctl.daemon.settle import Settler
from dedupctl.daemon.watcher import Watcher
from dedupctl.indexing.pipeline import Progress

PROGRESS_SECONDS = 2.0
"""How often progress is updated for readers of `status` and the dashboard."""
BEAT_SECONDS = 10.0
"""How often the details are written. Readers consider a daemon hung when its heartbeat is many times older."""
NAMED_FOLDERS = 20
WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")


class Health:
    """Reports the daemon's state. It writes to the catalog only on changes, so that an idle daemon lets disks sleep."""

    def __init__(
        self,
        catalog: Catalog,
        notifier: Notifier,
        *,
        heartbeat: Heartbeat,
        roots: WatchedRoots,
        watcher: Watcher,
        settler: Settler,
        config_digest: str,
    ) -> None:
        self.doing = "starting"
        self.next_scan_at: int | None = None
        """Seconds since 1970."""
        self.details: dict[str, Any] = {"doing": self.doing}
        """The last heartbeat written. Replaced as a whole, so that any thread may read it."""
        self._catalog = catalog
        self._notifier = notifier
        self._heartbeat = heartbeat
        self._roots = roots
        self._watcher = watcher
        self._settler = settler
        self._config_digest = config_digest
        self._started_at = int(time.time())
        self._told = ""
        self._progress_due = 0.0
        self._beat_due = 0.0
        self._progress: Progress | None = None
        self._progress_began = 0.0

    def tell(self, doing: str) -> None:
        """Report what the daemon is doing to the service manager, the catalog and the heartbeat."""
        self.doing = doing
        told = json.dumps(self._state())
        if told != self._told:
            with self._catalog.write() as tx:
                tx.meta.put(DAEMON_STATE, told)
            self._told = told
        self._notifier.status(f"{doing}, {len(self._roots.online())} of {len(self._roots.states)} roots online")
        self._write_heartbeat()

    def tell_now_and_then(self, doing: str) -> None:
        """As `tell`, but at most once every `PROGRESS_SECONDS`."""
        if time.monotonic() >= self._progress_due:
            self._progress_due = time.monotonic() + PROGRESS_SECONDS
            self.tell(doing)

    def beat(self) -> None:
        """Write the heartbeat if it is due."""
        if time.monotonic() >= self._beat_due:
            self._write_heartbeat()

    def progress(self, progress: Progress | None) -> None:
        """Note the progress of the current work, or None when it is done."""
        if self._progress is None and progress is not None:
            self._progress_began = time.monotonic()
        self._progress = progress

    def say_goodbye(self) -> None:
        try:
            self.tell("stopped")
        finally:
            self._heartbeat.remove()

    def _state(self) -> dict[str, Any]:
        polled = {watch.root: watch.reason for watch in self._watcher.health()}
        return {
            "pid": os.getpid(),
            "started_at": self._started_at,
            "doing": self.doing,
            "settling": len(self._settler),
            "config": self._config_digest,
            "heartbeat": str(self._heartbeat.path),
            "roots": {
                os.fsdecode(state.root.path): f"offline: {state.offline}"
                if state.offline
                else (f"polled: {reason}" if (reason := polled.get(state.root.path)) else "watched")
                for state in self._roots.states
            },
        }

    def _write_heartbeat(self) -> None:
        self._beat_due = time.monotonic() + BEAT_SECONDS
        self.details = self._details()
        self._heartbeat.write(self.details)

    def _details(self) -> dict[str, Any]:
        watches = self._watcher.health()
        unwatched = {path: why for watch in watches for path, why in watch.unwatched.items()}
        return {
            "pid": os.getpid(),
            "beat_at": int(time.time()),
            "doing": self.doing,
            "settling": len(self._settler),
            "next_scan_at": self.next_scan_at,
            "watches": {
                "alive": self._watcher.alive(),
                "wanted": len(watches),
                "used": sum(watch.watches for watch in watches),
                "limit": _watch_limit(),
                "unwatched": len(unwatched),
                "unwatched_folders": [
                    {"path": os.fsdecode(path), "reason": why} for path, why in list(unwatched.items())[:NAMED_FOLDERS]
                ],
            },
            "events": self._watcher.traffic(),
            "progress": self._progress_now(),
        }

    def _progress_now(self) -> dict[str, Any] | None:
        if self._progress is None:
            return None
        elapsed = time.monotonic() - self._progress_began
        read, to_read = self._progress.read, self._progress.to_read
        return {
            "found": self._progress.found,
            "read": read,
            "to_read": to_read,
            "compared": self._progress.compared,
            "to_compare": self._progress.to_compare,
            "errors": self._progress.errors,
            "seconds": round(elapsed, 1),
            "seconds_left": round(elapsed / read * (to_read - read), 1) if read else None,
        }


def _watch_limit() -> int | None:
    try:
        return int(WATCH_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
