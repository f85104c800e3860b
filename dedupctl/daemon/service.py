"""The daemon: scan, then listen, then scan again now and then, until told to stop.

Events are hints and the scan is the truth. So whatever makes events doubtful (start, a lost event, a root that comes
back) is answered with a scan, and the loop itself stays small.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from dedupctl.catalog.catalog import DAEMON_STATE
from dedupctl.daemon.hints import EventsLost, Hint, RootLost
from dedupctl.daemon.interpret import Interpreter
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.settle import Settler
from dedupctl.daemon.unattended import Unattended
from dedupctl.daemon.watcher import Watcher
from dedupctl.domain import Root, ScanSummary
from dedupctl.indexing.library import open_index, visit_places
from dedupctl.indexing.pipeline import Listeners, Pipeline, Progress
from dedupctl.indexing.roots import Place, present
from dedupctl.indexing.scan import Finding, FolderError, is_unwatched_name
from dedupctl.indexing.upkeep import Upkeep
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

ROOTS_SECONDS = 5.0
"""How often the roots are checked: added or removed by a command, gone offline, come back."""
SNAPSHOT_SECONDS = 60.0
"""How long new vectors may be in memory only; after a crash they are taken from the catalog again."""
LONGEST_WAIT = 1.0
PROGRESS_SECONDS = 2.0
"""How often a reader of `status` or the dashboard is told how far the reading is."""

Say = Callable[[str], None]
"""Takes one line for the log."""


@dataclass
class _RootState:
    root: Root
    offline: str | None = None


@dataclass
class _Health:
    """What `status` shows of a running daemon."""

    pid: int
    started_at: int
    doing: str = "starting"
    settling: int = 0
    roots: dict[str, str] = field(default_factory=dict)


class Service:
    """One run of the daemon over one workspace; the caller holds the workspace's lock."""

    def __init__(self, workspace: Workspace, notifier: Notifier, is_stopped: Callable[[], bool], say: Say) -> None:
        config = workspace.config
        self._workspace = workspace
        self._notifier = notifier
        self._is_stopped = is_stopped
        self._say = say
        self._rescan_seconds = config.watch.rescan_minutes * 60
        self._settler = Settler(config.watch.settle_seconds, time.monotonic)
        self._interpreter = Interpreter(workspace.catalog, config.scan, self._settler)
        self._unattended = Unattended(
            workspace.home, workspace.catalog, config.policies, is_stopped=is_stopped, alive=notifier.alive, say=say
        )
        self._roots: dict[int, _RootState] = {}
        self._told = ""
        self._progress_due = 0.0
        self._health = _Health(pid=os.getpid(), started_at=int(time.time()))

    def run(self) -> None:
        """Watch until stopped. Watches are set before the first scan, so nothing falls between the two."""
        watch = self._workspace.config.watch
        with ExitStack() as stack:
            workers = Workers(self._workspace.config, self._workspace.catalog.path)
            stack.callback(workers.close)
            self._upkeep = Upkeep(self._workspace, workers, self._say)
            if not self._upkeep.left:
                self._upkeep.finish()
            opened = open_index(self._workspace, self._say)
            self._watcher = Watcher(
                is_tool_name=partial(is_unwatched_name, config=self._workspace.config.scan),
                polling_seconds=watch.polling_seconds,
                always_poll=watch.polling,
            )
            stack.callback(self._watcher.close)
            listeners = Listeners(self._heard_progress, self._folder_failed, self._is_stopped)
            self._pipeline = Pipeline(self._workspace, opened.index, workers, listeners)
            self._pipeline.save_index(force=opened.added + opened.retired > 0)
            stack.callback(self._finish)
            self._unattended.settle_journal()
            self._check_roots()
            self._notifier.ready()
            self._scan("start")
            workers.start()
            self._listen()

    def _listen(self) -> None:
        roots_due = snapshot_due = time.monotonic()
        scan_due = time.monotonic() + self._rescan_seconds
        while not self._is_stopped():
            hints = self._watcher.take(self._patience())
            findings = [*self._interpreter.findings(hints), *self._interpreter.settled()]
            if findings:
                self._carry(findings)
            self._answer_losses(hints)
            if not findings:
                self._unattended.act_when_due()
                self._renew_some()
            now = time.monotonic()
            if now >= roots_due:
                roots_due = now + ROOTS_SECONDS
                self._check_roots_and_scan_new()
                self._report_restless()
                self._tell_health("watching")
            if now >= snapshot_due:
                snapshot_due = now + SNAPSHOT_SECONDS
                self._pipeline.save_index()
            if now >= scan_due:
                scan_due = now + self._rescan_seconds
                self._scan("periodic")
            self._notifier.alive()

    def _patience(self) -> float:
        """Until the next file may have settled, at the most a beat; none while there is other work."""
        if self._upkeep.left:
            return 0.0
        due = self._settler.next_due()
        if due is None:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, due - time.monotonic()))

    def _carry(self, findings: Iterable[Finding]) -> None:
        summary = self._pipeline.run(findings)
        self._say(_in_words(summary))
        if self._health.doing != "watching":
            self._tell_health("watching")
        if summary.new or summary.changed or summary.moved:
            self._unattended.after_batch()

    def _renew_some(self) -> None:
        """After a change of the model, one portion of its vectors between two looks at what happened."""
        if not self._upkeep.left:
            return
        self._pipeline.embed_missing(self._upkeep)
        if self._upkeep.left:
            self._tell_now_and_then(f"embedding anew, {self._upkeep.left:,} pictures left")
        else:
            self._unattended.after_scan()
            self._tell_health("watching")

    # --- scans -----------------------------------------------------------------------------------------------------

    def _scan(self, why: str, roots: Iterable[Root] | None = None) -> None:
        """Visit the given roots, or all that are online, and remember when that was."""
        wanted = [Place(root) for root in (self._online() if roots is None else roots)]
        self._tell_health(f"scanning ({why})")
        summary = visit_places(self._workspace, self._pipeline, wanted, self._went_offline)
        self._say(f"scan ({why}): {_in_words(summary)}")
        self._unattended.after_scan()
        self._tell_health("watching")

    def _answer_losses(self, hints: Iterable[Hint]) -> None:
        lost = [hint for hint in hints if isinstance(hint, EventsLost)]
        for hint in lost:
            self._say(f"events were lost: {hint.reason}")
        gone_roots = [hint.root for hint in hints if isinstance(hint, RootLost)]
        if gone_roots:
            # Even a root that is back by now must be watched anew: its watch died with it.
            self._roots = {key: state for key, state in self._roots.items() if state.root.path not in gone_roots}
            self._check_roots_and_scan_new()
        if lost or self._interpreter.take_overflow():
            self._scan("events were lost")

    # --- roots -----------------------------------------------------------------------------------------------------

    def _check_roots_and_scan_new(self) -> None:
        new = self._check_roots()
        if new:
            self._unattended.settle_journal()  # rows of a root that was offline have waited for its disk
            self._scan("new root", new)

    def _check_roots(self) -> list[Root]:
        """Bring the watches in line with the roots there are; returns those that are (again) online."""
        with self._workspace.catalog.read() as tx:
            wanted = {root.id: root for root in tx.roots.all()}
        for root_id in self._roots.keys() - wanted.keys():
            self._watcher.unwatch(self._roots.pop(root_id).root.path)
        came = []
        for root_id, stored in wanted.items():
            before = self._roots.get(root_id)
            root, reason = present(self._workspace.catalog, stored)
            if reason is not None:
                self._went_offline(root, reason)
            elif (before is None or before.offline is not None) and self._watch(root):
                came.append(root)
        self._interpreter.set_roots(self._online())
        return came

    def _watch(self, root: Root) -> bool:
        """Whether it is watched now; where no watch can be set it counts as offline, and is tried again."""
        try:
            health = self._watcher.watch(root.path)
        except OSError as error:
            self._went_offline(root, error.strerror or str(error))
            return False
        self._roots[root.id] = _RootState(root)
        shown = os.fsdecode(root.path)
        self._say(f"watching {shown}" + (f", by looking now and then: {health.reason}" if health.polled else ""))
        return True

    def _went_offline(self, root: Root, reason: str) -> None:
        before = self._roots.get(root.id)
        if before is None or before.offline is None:
            self._say(f"{os.fsdecode(root.path)} is offline, its pictures stay known: {reason}")
            self._watcher.unwatch(root.path)
        self._roots[root.id] = _RootState(root, offline=reason)

    def _online(self) -> list[Root]:
        return [state.root for state in self._roots.values() if state.offline is None]

    # --- telling ---------------------------------------------------------------------------------------------------

    def _heard_progress(self, progress: Progress) -> None:
        self._notifier.alive()
        if progress.to_read > progress.read:
            reading = f"reading, {progress.read:,} of {progress.to_read:,} files found so far are done"
            self._notifier.status(reading)
            self._tell_now_and_then(reading)

    def _folder_failed(self, failure: FolderError) -> None:
        self._say(f"cannot read {os.fsdecode(failure.path)}: {failure.reason}")

    def _report_restless(self) -> None:
        for path in self._settler.restless():
            self._say(f"{os.fsdecode(path)} is still being written to and was not read")

    def _tell_now_and_then(self, doing: str) -> None:
        if time.monotonic() >= self._progress_due:
            self._progress_due = time.monotonic() + PROGRESS_SECONDS
            self._tell_health(doing)

    def _tell_health(self, doing: str) -> None:
        health = self._health
        health.doing, health.settling = doing, len(self._settler)
        polled = {watch.root: watch.reason for watch in self._watcher.health()}
        health.roots = {
            os.fsdecode(state.root.path): f"offline: {state.offline}"
            if state.offline
            else (f"polled: {reason}" if (reason := polled.get(state.root.path)) else "watched")
            for state in self._roots.values()
        }
        told = json.dumps(vars(health))
        if told != self._told:  # an idle daemon must let the disk sleep
            self._told = told
            with self._workspace.catalog.write() as tx:
                tx.meta.put(DAEMON_STATE, told)
        self._notifier.status(f"{doing}, {len(self._online())} of {len(self._roots)} roots online")

    def _finish(self) -> None:
        self._notifier.stopping()
        self._pipeline.save_index()
        self._tell_health("stopped")


def _in_words(summary: ScanSummary) -> str:
    counts = [(name, getattr(summary, name)) for name in ("new", "changed", "moved", "gone", "unchanged", "errors")]
    return ", ".join(f"{count:,} {name}" for name, count in counts if count) or "nothing to do"
