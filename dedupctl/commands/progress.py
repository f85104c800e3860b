"""How long-running work shows its progress: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from dedupctl.commands.messages import say
from dedupctl.indexing.pipeline import Progress

LINE_SECONDS = 10.0
READING, COMPARING = "reading", "comparing"


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """Yields a function that takes the progress of a scan and shows it on stderr until the end of the block."""
    if sys.stderr.isatty():
        with _bar() as update:
            yield update
    else:
        yield _Lines().update


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[errors]}", style="red"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("looking", total=None, rate="", errors="")
        rates: defaultdict[str, _Rate] = defaultdict(_Rate)

        def update(progress: Progress) -> None:
            errors = f"{progress.errors} errors" if progress.errors else ""
            if progress.to_embed:
                bar.update(task, description=f"embedding anew ({progress.to_embed:,} left)")
                return
            doing, done, total = _stage(progress)
            bar.update(
                task,
                description=f"{doing} ({progress.found:,} found)",
                total=total or None,
                completed=done,
                rate=f"{rates[doing].of(done):,.0f}/s",
                errors=errors,
            )

        yield update


@contextmanager
def shown_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a function that takes (stage, done, total) and shows a bar for each stage, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None)
            bar.update(tasks[stage], completed=done, total=total or None)

        yield update


class _Speed(ProgressColumn):
    """The recent number of steps per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class _Lines:
    """Prints a line from time to time, for logs and pipes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LINE_SECONDS
        self._rates: defaultdict[str, _Rate] = defaultdict(_Rate)

    def update(self, progress: Progress) -> None:
        doing, done, total = _stage(progress)
        rate = self._rates[doing].of(done)
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_SECONDS
        if progress.to_embed:
            say(f"embedding anew, {progress.to_embed:,} pictures left")
            return
        left = (total - done) / rate if rate else 0.0
        did, what = ("compared", "pairs") if doing == COMPARING else ("read", "files")
        say(
            f"{did} {done:,} of {total:,} {what} ({progress.found:,} files found so far),"
            f" {rate:,.0f}/s, about {left:,.0f} s left, {progress.errors} errors"
        )


def _stage(progress: Progress) -> tuple[str, int, int]:
    """The current stage, how much of it is done, and how much there is to do."""
    if progress.read >= progress.to_read and progress.to_compare > progress.compared:
        return COMPARING, progress.compared, progress.to_compare
    return READING, progress.read, progress.to_read


class _Rate:
    """The average rate since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def of(self, done: int) -> float:
        """Steps per second, when `done` of them are done."""
        return done / max(time.monotonic() - self._started, 1e-3)
