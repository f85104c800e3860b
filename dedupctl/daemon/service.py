"""The daemon scans, then listens for events and scans again periodically until told to stop.

Events are only hints; a scan establishes the facts. Whenever events are unreliable (at the start, after a lost event,
when a root comes back), the daemon scans, which keeps the loop itself small.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import chain

from dedupctl.daemon.health import Health
from dedupctl.daemon.heartbeat import Heartbeat
from dedupctl.daemon.hints import EventsLost, Hint, RootLost
from dedupctl.daemon.interpret import Interpreter
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.pace import Pace
from dedupctl.daemon.pulse import Pulse
from dedupctl.daemon.roots import WatchedRoots
from dedupctl.daemon.settle import Settler
from dedupctl.daemon.unattended import Unattended
from dedupctl.daemon.watcher import Watcher
from dedupctl.domain import Root, ScanSummary, Unreadable
from dedupctl.errors import Interrupted, StoreError, StoreUnavailable
from dedupctl.indexing.findings import Finding, FolderError
from dedupctl.indexing.pipeline import Listeners, Pipeline, Progress
from dedupctl.indexing.roots import ScanTarget
from dedupctl.indexing.scan import is_unwatched_name
from dedupctl.indexing.upkeep import Upkeep
from dedupctl.indexing.visit import open_index, visit_targets
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

ROOTS_SECONDS = 5.0
"""How often the roots are checked for being added, removed, offline or back online."""
SNAPSHOT_SECONDS = 60.0
"""How long new vectors may exist only in memory; after a crash they are restored from the catalog."""
LONGEST_WAIT = 2.0
FAREWELL_SECONDS = 2.0
"""How long the final status may wait for a catalog that another program has locked. Nothing depends on it."""

Say = Callable[[str], None]
"""Takes one line for the log."""


class Service:
    """One run of the daemon over one workspace; the caller holds the workspace's lock."""

    def __init__(
        self, workspace: Workspace, notifier: Notifier, pulse: Pulse, is_stopped: Callable[[], bool], say: Say
    ) -> None:
        """Bring the catalog in line with the configuration and open the vector index, both of which may take minutes.

        Raises:
            Interrupted: stopped meanwhile.
            StoreUnavailable: the stores cannot be used for now.
        """
        config = workspace.config
        self._workspace = workspace
        self._notifier = notifier
        self._pulse = pulse
        self._is_stopped = is_stopped
        self._say = say
        self._rescan_seconds = config.watch.rescan_minutes * 60
        self._settler = Settler(config.watch.settle_seconds, time.monotonic)
        self._interpreter = Interpreter(workspace.catalog, config.scan, self._settler, pulse.beat)
        self._unattended = Unattended(
            workspace.home,
            workspace.catalog,
            config.policies,
            purges=config.watch.purge == "after-retention",
            same_pixels=self._same_pixels,
            is_stopped=is_stopped,
            pulse=pulse,
            say=say,
        )
        self._watcher = Watcher(
            is_tool_name=partial(is_unwatched_name, config=config.scan),
            polling_seconds=config.watch.polling_seconds,
            always_poll=config.watch.polling,
            beat=pulse.beat,
        )
        self._roots = WatchedRoots(workspace.catalog, self._watcher, say)
        self._health = Health(
            workspace.catalog,
            notifier,
            heartbeat=Heartbeat(workspace.home),
            roots=self._roots,
            watcher=self._watcher,
            settler=self._settler,
            config_digest=config.digest,
        )
        with ExitStack() as opened:
            self._workers = Workers(config, workspace.catalog.path)
            opened.callback(self._workers.close)
            self._pace = Pace(workspace.catalog, config.watch, self._workers.count)
            self._upkeep = Upkeep(workspace, self._workers, say)
            if not self._upkeep.left:
                self._upkeep.finish()
            index = open_index(workspace, say)
            self._index_changed = index.added + index.retired > 0
            opened.callback(self._watcher.close)
            listeners = Listeners(
                self._heard_progress,
                self._folder_failed,
                is_stopped,
                pulse.beat,
                self._pace.is_resting,
                self._pace.spent,
            )
            self._pipeline = Pipeline(workspace, index.index, self._workers, listeners)
            self._resources = opened.pop_all()

    def run(self) -> None:
        """Watch until stopped. Watches are set before the first scan, so that no change is missed in between.

        Raises:
            Interrupted: stopped in the middle of some work.
            StoreUnavailable: the stores cannot be used for now.
        """
        with self._resources as stack:
            stack.callback(self._finish)
            self._open_metrics(stack)
            self._save_index(force=self._index_changed)
            self._unattended.settle_journal()
            self._check_roots()
            self._notifier.ready()
            self._scan("start")
            self._workers.start()
            self._listen()

    def _same_pixels(self, path_a: bytes, path_b: bytes) -> bool | Unreadable:
        return self._workers.same_pixels(path_a, path_b, beat=self._pulse.beat)

    def _open_metrics(self, stack: ExitStack) -> None:
        port = self._workspace.config.watch.metrics_port
        if not port:
            return
        from dedupctl.daemon.metrics import Metrics

        try:
            metrics = Metrics(port, lambda: self._health.details)
        except OSError as error:  # the units forbid all ports; systemd/metrics.conf allows this one
            self._say(f"no metrics on port {port}: {error.strerror}")
        else:
            stack.callback(metrics.close)

    def _listen(self) -> None:
        roots_due = snapshot_due = time.monotonic()
        scan_due = self._next_scan()
        while not self._is_stopped():
            if resting := self._pace.why_resting():
                self._rest(resting)
                continue
            hints = self._watcher.take(self._patience())
            is_busy = self._carry(chain(self._interpreter.findings(hints), self._interpreter.settled()))
            self._answer_losses(hints)
            if not is_busy:
                self._unattended.act_when_due()
                self._unattended.purge_when_due()
                self._renew_some()
            now = time.monotonic()
            if now >= roots_due:
                roots_due = now + ROOTS_SECONDS
                self._watcher.check()
                self._check_roots_and_scan_new()
                self._report_restless()
                self._health.tell("watching")
            if now >= snapshot_due:
                snapshot_due = now + SNAPSHOT_SECONDS
                self._save_index()
            if now >= scan_due:
                scan_due = self._next_scan()
                self._watcher.look_again()
                self._scan("periodic")
            self._health.beat()
            self._pulse.beat()

    def _next_scan(self) -> float:
        """When the next periodic scan is due, by the monotonic clock."""
        self._health.next_scan_at = int(time.time() + self._rescan_seconds)
        return time.monotonic() + self._rescan_seconds

    def _rest(self, why: str) -> None:
        """Rest for a moment. Events received meanwhile wait in the queue."""
        self._health.tell(f"resting: {why}")
        self._pulse.rest(LONGEST_WAIT)

    def _patience(self) -> float:
        """How many seconds to wait for hints: until the next file may have settled, or 0 while there is other work."""
        if self._upkeep.left:
            return 0.0
        due = self._settler.next_due()
        if due is None:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, due - time.monotonic()))

    def _carry(self, findings: Iterator[Finding]) -> bool:
        """Process these findings; returns whether there were any."""
        first = next(findings, None)
        if first is None:
            return False
        summary = self._pipeline.run(chain([first], findings))
        self._health.progress(None)
        self._say(_counts_of(summary))
        if self._health.doing != "watching":
            self._health.tell("watching")
        if summary.new or summary.changed or summary.moved:
            self._unattended.after_batch()
        return True

    def _renew_some(self) -> None:
        """After a change of the model, embed one portion of pictures before handling events again."""
        if not self._upkeep.left:
            return
        self._pipeline.embed_missing(self._upkeep)
        if self._upkeep.left:
            self._health.tell_now_and_then(f"embedding again, {self._upkeep.left:,} pictures left")
        else:
            self._unattended.after_scan()
            self._health.tell("watching")

    # --- scans -----------------------------------------------------------------------------------------------------

    def _scan(self, why: str, roots: Iterable[Root] | None = None) -> None:
        """Visit the given roots, or all that are online, and record the time."""
        wanted = [ScanTarget(root) for root in (self._roots.online() if roots is None else roots)]
        self._health.tell(f"scanning ({why})")
        summary = visit_targets(self._workspace, self._pipeline, wanted, self._roots.went_offline)
        self._health.progress(None)
        if self._pipeline.was_stopped:
            self._say(f"scan ({why}) was stopped: {_counts_of(summary)} so far")
            return
        self._say(f"scan ({why}): {_counts_of(summary)}")
        self._unattended.after_scan()
        self._health.tell("watching")

    def _answer_losses(self, hints: Iterable[Hint]) -> None:
        lost = [hint for hint in hints if isinstance(hint, EventsLost)]
        for hint in lost:
            self._say(f"events were lost: {hint.reason}")
        gone_roots = {hint.root: hint.reason for hint in hints if isinstance(hint, RootLost)}
        if gone_roots:
            self._roots.lost(gone_roots)
            self._check_roots_and_scan_new()
        if lost or self._interpreter.take_overflow():
            self._scan("events were lost")

    # --- roots -----------------------------------------------------------------------------------------------------

    def _check_roots_and_scan_new(self) -> None:
        new = self._check_roots()
        if new:
            self._unattended.settle_journal()  # journal rows of an offline root have waited for its disk
            self._scan("new root", new)

    def _check_roots(self) -> list[Root]:
        came = self._roots.check()
        self._interpreter.set_roots(self._roots.online())
        return came

    # --- reporting -------------------------------------------------------------------------------------------------

    def _heard_progress(self, progress: Progress) -> None:
        self._pulse.beat()
        self._health.progress(progress)
        self._health.beat()
        if resting := self._pace.why_resting():
            self._health.tell_now_and_then(f"resting: {resting}")
        elif progress.to_read > progress.read:
            self._health.tell_now_and_then(
                f"reading, {progress.read:,} of {progress.to_read:,} files found so far are done"
            )
        elif progress.to_compare > progress.compared:
            self._health.tell_now_and_then(
                f"comparing, {progress.compared:,} of {progress.to_compare:,} pairs proposed so far are done"
            )

    def _folder_failed(self, failure: FolderError) -> None:
        self._say(f"cannot read {os.fsdecode(failure.path)}: {failure.reason}")

    def _report_restless(self) -> None:
        for path in self._settler.restless():
            self._say(f"{os.fsdecode(path)} is still being written to and was not read")

    def _save_index(self, *, force: bool = False) -> None:
        """Save a snapshot. A failure only makes the next start slower."""
        try:
            self._pipeline.save_index(force=force)
        except StoreError as error:
            self._say(str(error))

    def _finish(self) -> None:
        with self._pulse.uninterrupted(FAREWELL_SECONDS), suppress(StoreUnavailable, Interrupted):
            self._save_index()
            self._health.say_goodbye()


def _counts_of(summary: ScanSummary) -> str:
    counts = [(name, getattr(summary, name)) for name in ("new", "changed", "moved", "gone", "unchanged", "errors")]
    return ", ".join(f"{count:,} {name}" for name, count in counts if count) or "nothing to do"
