"""How long work shows itself: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from dedupctl.commands.messages import say
from dedupctl.indexing.pipeline import Progress

LINE_SECONDS = 10.0


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """Takes the progress of a scan and shows it on stderr until the end of the block."""
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
        rate = _Rate()

        def update(progress: Progress) -> None:
            errors = f"{progress.errors} errors" if progress.errors else ""
            doing = "comparing" if progress.read >= progress.to_read and progress.to_compare else "reading"
            if progress.to_embed:
                bar.update(task, description=f"embedding anew ({progress.to_embed:,} left)")
                return
            bar.update(
                task,
                description=f"{doing} ({progress.found:,} found)",
                total=progress.to_read or None,
                completed=progress.read,
                rate=f"{rate.of(progress.read):,.0f}/s",
                errors=errors,
            )

        yield update


@contextmanager
def shown_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Takes (stage, done, total) of work in stages and shows a bar for each, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None)
            bar.update(tasks[stage], completed=done, total=total or None)

        yield update


class _Speed(ProgressColumn):
    """How many a second, of late."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class _Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LINE_SECONDS
        self._rate = _Rate()

    def update(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_SECONDS
        if progress.to_embed:
            say(f"embedding anew, {progress.to_embed:,} pictures left")
            return
        rate = self._rate.of(progress.read)
        left = (progress.to_read - progress.read) / rate if rate else 0.0
        say(
            f"read {progress.read:,} of {progress.to_read:,} files ({progress.found:,} found so far),"
            f" {rate:,.0f}/s, about {left:,.0f} s left, {progress.errors} errors"
        )


class _Rate:
    def __init__(self) -> None:
        self._started = time.monotonic()

    def of(self, done: int) -> float:
        """Files a second since the start."""
        return done / max(time.monotonic() - self._started, 1e-3)
