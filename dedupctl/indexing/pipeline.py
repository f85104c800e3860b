"""Findings in, proven pairs out: bounded queues around the workers, and one thread that writes.

The scan and the daemon use the same pipeline, and treat a path from the walk like a path from an event.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice

from dedupctl.domain import Evidence, ScanSummary, Unreadable
from dedupctl.errors import Interrupted
from dedupctl.indexing.findings import Finding, FolderError, Gone, PassedOver, Relinked, Revived, Unchanged, Unread
from dedupctl.indexing.pool import Batch
from dedupctl.indexing.upkeep import Upkeep
from dedupctl.indexing.workers import Workers
from dedupctl.indexing.writer import TRANSIENT, Writer
from dedupctl.matching.matcher import Matcher, Round
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.workspace import Workspace

FILES_A_BATCH = 16
"""Files sent to a worker at once: enough to hide the cost of sending, few enough to lose little in a crash."""
WRITE_AT = 256
"""Changes collected before a transaction."""
WRITE_SECONDS = 0.3
"""How long a change may wait for others before it is written, which delays a new picture in the daemon."""


@dataclass
class Progress:
    """What a scan reports while it runs."""

    found: int = 0
    """Files encountered by the walk."""
    to_read: int = 0
    read: int = 0
    errors: int = 0
    compared: int = 0
    to_compare: int = 0
    """Candidate pairs proposed so far."""
    to_embed: int = 0
    """Pictures still to be embedded by a new model before any file is read."""


@dataclass
class Listeners:
    """Callbacks that report on a run, and that can pause or stop it."""

    progress: Callable[[Progress], None] = lambda _: None
    folder_error: Callable[[FolderError], None] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False
    alive: Callable[[], None] = lambda: None
    """Called very often to signal that the run makes progress."""
    is_resting: Callable[[], bool] = lambda: False
    """Whether to hand out no more work for now."""
    spent: Callable[[float], None] = lambda _: None
    """Called with the CPU seconds that a batch used."""


@dataclass(eq=False)
class _RoundAtWork:
    """A round and the evidence for its cases so far, by position."""

    round: Round
    evidence: dict[int, Evidence | Unreadable | None] = field(default_factory=dict)


class Pipeline:
    """Lives as long as a scan or the daemon; each `run` processes one series of findings."""

    def __init__(
        self, workspace: Workspace, index: HnswIndex, workers: Workers, listeners: Listeners | None = None
    ) -> None:
        self._workers = workers
        self._catalog = workspace.catalog
        self._listeners = listeners or Listeners()
        self._writer = Writer(workspace, index)
        self._matcher = Matcher(workspace, index)
        self._reading: dict[Future[Batch], list[Unread]] = {}
        self._judging: dict[Future[Batch], tuple[_RoundAtWork, range]] = {}
        self._portions: deque[tuple[_RoundAtWork, range]] = deque()
        """Cases of started rounds that no worker has received yet."""
        self._counts: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._progress = Progress()
        self._gone: set[int] = set()
        self._moved: set[int] = set()
        """Files that have moved and so do not count as gone."""
        self._asked: set[int] = set()
        """Files read in this run because they were known only from an import."""
        self._written_at = self._told_at = time.monotonic()

    def run(self, findings: Iterable[Finding] = ()) -> ScanSummary:
        """Process all findings and the contents that an earlier run left uncompared; returns a summary.

        If stopped early, the catalog is consistent: what was read is written, and the rest is found again.
        """
        self._counts, self._seconds, self._progress = Counter(), defaultdict(float), Progress()
        self._gone, self._moved, self._asked = set(), set(), set()
        todo = self._unread(findings)
        exhausted = False
        while not self._listeners.is_stopped():
            is_resting = self._listeners.is_resting()
            if not (exhausted or is_resting):
                exhausted = not self._feed(todo)
            if self._is_time_to_write(exhausted):
                self._write()
                if not is_resting:
                    self._start_rounds()
            if not is_resting:
                self._hand_out_portions()
            if exhausted and not (is_resting or self._reading or self._judging or self._writer.pending):
                claims = self._claims()
                if not claims:
                    break
                todo, exhausted = iter(claims), False
                continue
            if is_resting and not (self._reading or self._judging):
                time.sleep(WRITE_SECONDS)
                self._tell()
            else:
                self._collect()
        else:
            self._abandon()
        self._write()
        return self._summary()

    def embed_missing(self, upkeep: Upkeep) -> None:
        """Embed the next pictures with the configured model; after the last, compare everything again if due."""
        self._writer.grow_index(*upkeep.embed_portion())
        if not upkeep.left and upkeep.finish():
            self._matcher.start_over()
            self.run()

    def beat(self) -> None:
        """Signal that the walk makes progress.

        Raises:
            Interrupted: the run was stopped.
        """
        self._listeners.alive()
        if self._listeners.is_stopped():
            raise Interrupted

    @property
    def was_stopped(self) -> bool:
        """Whether a stop was requested, so that the last run may have ended early."""
        return self._listeners.is_stopped()

    def save_index(self, *, force: bool = False) -> None:
        """Publish a snapshot of the vector index if it has grown (or was rebuilt: `force`)."""
        with self._timed("index"):
            self._writer.save_index(force=force)

    def _unread(self, findings: Iterable[Finding]) -> Iterator[Unread]:
        """The files to read. Every other finding is only noted."""
        for finding in _until_interrupted(findings):
            if self._listeners.is_stopped():
                return
            self._keep_up()
            match finding:
                case Unread():
                    self._counts["unchanged" if finding.again else "changed" if finding.known else "new"] += 1
                    self._progress.found += 1
                    self._progress.to_read += 1
                    yield finding
                case Unchanged(count):
                    self._counts["unchanged"] += count
                    self._progress.found += count
                case FolderError():
                    self._counts["errors"] += 1
                    self._listeners.folder_error(finding)
                case Relinked(_, moved_from):
                    self._counts["moved" if moved_from else "new"] += 1
                    self._moved.update(moved_from)
                    self._writer.note(finding)
                case Gone(file_ids):
                    self._gone.update(file_ids)
                    self._writer.note(finding)
                case PassedOver(folders):
                    self._counts["passed_over"] += folders
                    self._writer.note(finding)
                case Revived(file_ids):
                    self._counts["unchanged"] += len(file_ids)
                    self._writer.note(finding)

    def _claims(self) -> list[Unread]:
        """Files known only from an import that turned out to be copies. They are read before anything relies on them.

        Each is requested once per run, because a file on an offline disk cannot be read. Only comparisons and verdicts
        produce new ones, and the next visit handles those from verdicts: checking after every new picture would cost
        the daemon half a second with 100,000 imported contents.
        """
        if not (self._counts["judged"] or self._counts["unchanged"]):
            return []
        with self._catalog.read() as tx:
            claimed = [one for one in tx.imported.to_read() if one.file.id not in self._asked]
        self._asked.update(one.file.id for one in claimed)
        self._progress.to_read += len(claimed)
        return [Unread(one.file.root_id, one.file.path, one.path, one.file.identity, known=True) for one in claimed]

    def _keep_up(self) -> None:
        """Write notes and report progress during a long walk that finds nothing to read."""
        if self._writer.pending >= WRITE_AT:
            self._write()
        if time.monotonic() - self._told_at >= WRITE_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._listeners.progress(self._progress)

    def _feed(self, todo: Iterator[Unread]) -> bool:
        """Give every worker one batch and queue another; False once nothing is left."""
        while len(self._reading) < 2 * self._workers.count:
            with self._timed("walk"):
                batch = list(islice(todo, FILES_A_BATCH))
            if not batch:
                return False
            self._reading[self._workers.read([unread.absolute for unread in batch])] = batch
        return True

    def _collect(self) -> None:
        """Wait for the next answers and process them."""
        waiting = [*self._reading, *self._judging]
        for future in wait(waiting, timeout=WRITE_SECONDS, return_when=FIRST_COMPLETED).done:
            batch = future.result()
            self._listeners.spent(batch.cpu_seconds)
            if future in self._reading:
                self._take_read(self._reading.pop(future), batch)
            else:
                self._take_judged(*self._judging.pop(future), batch)
        self._tell()

    def _take_read(self, files: list[Unread], batch: Batch) -> None:
        self._seconds["read"] += batch.cpu_seconds
        self._progress.read += len(files)
        for unread, outcome in zip(files, batch.results, strict=True):
            self._writer.took(unread, outcome)
            if isinstance(outcome, Unreadable) and outcome.code not in TRANSIENT:
                self._counts["errors"] += 1
        self._progress.errors = self._counts["errors"]

    def _take_judged(self, at_work: _RoundAtWork, places: range, batch: Batch) -> None:
        self._counts["judged"] += len(batch.results)
        self._seconds["proof"] += batch.cpu_seconds
        self._progress.compared += len(places)
        at_work.evidence.update(zip(places, batch.results, strict=True))
        cases = range(len(at_work.round.cases))
        if len(at_work.evidence) == len(cases):
            with self._timed("write"):
                lacking = self._matcher.settle(at_work.round, [at_work.evidence[place] for place in cases])
            if lacking is not None:
                self._begin(lacking)

    def _is_time_to_write(self, exhausted: bool) -> bool:
        idle = exhausted and not self._reading
        late = time.monotonic() - self._written_at >= WRITE_SECONDS
        return idle or late or self._writer.pending >= WRITE_AT

    def _write(self) -> None:
        self._written_at = time.monotonic()
        with self._timed("write"):
            self._writer.write()

    def _start_rounds(self) -> None:
        """Propose candidates for uncompared contents while workers have capacity."""
        while len(self._judging) + len(self._portions) < 2 * self._workers.count:
            with self._timed("candidates"):
                found = self._matcher.next_round()
            if found is None:
                return
            if found.cases:
                self._begin(found)
            else:
                with self._timed("write"):
                    self._matcher.settle(found, ())

    def _begin(self, found: Round) -> None:
        self._progress.to_compare += len(found.cases)
        at_work = _RoundAtWork(found)
        self._portions.extend((at_work, places) for places in found.portions())

    def _hand_out_portions(self) -> None:
        """Give every worker one portion and queue another. With more, new files would wait for all of them."""
        while self._portions and len(self._judging) < 2 * self._workers.count:
            at_work, places = self._portions.popleft()
            self._judging[self._workers.judge([at_work.round.cases[place] for place in places])] = at_work, places

    def _abandon(self) -> None:
        """Drop the work in progress; the next visit finds all of its files again."""
        self._reading.clear()
        self._judging.clear()
        self._portions.clear()

    def _summary(self) -> ScanSummary:
        counts = self._counts
        seen = sum(counts[name] for name in ("new", "changed", "unchanged", "moved"))
        return ScanSummary(
            seen=seen,
            new=counts["new"],
            changed=counts["changed"],
            unchanged=counts["unchanged"],
            moved=counts["moved"],
            gone=len(self._gone - self._moved),
            errors=counts["errors"],
            passed_over=counts["passed_over"],
            seconds={name: round(value, 3) for name, value in sorted(self._seconds.items())},
        )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Count this process's CPU seconds for a stage."""
        started = time.process_time()
        yield
        self._seconds[stage] += time.process_time() - started


def _until_interrupted(findings: Iterable[Finding]) -> Iterator[Finding]:
    with suppress(Interrupted):
        yield from findings
