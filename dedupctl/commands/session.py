"""What every command shares: the home it works on, how it prints, and how its errors end the program."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from dedupctl.errors import DedupctlError, UsageError
from dedupctl.workspace import LOCK_NAME, Workspace, hold

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]
INTERRUPTED = 130
WIDTH_OF_A_PIPE = 10_000
"""Longer than a path can be, with room for the columns before it."""


class Commands(TyperGroup):
    """Turns our errors into one clear line on stderr and the exit code of their class."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DedupctlError as error:
            say(f"dedupctl: {error}")
            raise typer.Exit(error.exit_code) from error


@dataclass(frozen=True)
class Session:
    """One call of `dedupctl`."""

    home: Path

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The stores, for asking. Works beside a running daemon.

        Raises:
            UsageError: nothing is indexed yet.
        """
        with Workspace.open(self.home) as workspace:
            yield workspace

    @contextmanager
    def indexing(self) -> Iterator[Workspace]:
        """The stores, for indexing: made when there are none, and locked against a second indexer.

        Raises:
            LockHeld: another process is indexing here.
        """
        with self.locked(), Workspace.open(self.home, create=True) as workspace:
            yield workspace

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No second indexer until the end of the block.

        Raises:
            LockHeld: as `indexing`.
        """
        with hold(self.home / LOCK_NAME, "indexing into"):
            yield


def console() -> Console:
    """Where answers go. Rich itself heeds NO_COLOR and the width of the terminal; in a pipe no path may be folded."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, soft_wrap=piped, width=WIDTH_OF_A_PIPE if piped else None)


def say(message: str) -> None:
    """A message for people: stderr, so that stdout holds the answer alone."""
    typer.echo(message, err=True)


def print_json(document: object) -> None:
    """Pure ASCII: bytes of a file name that are not UTF-8 become lone surrogates, which JSON can only escape."""
    typer.echo(json.dumps(document, indent=2))


def existing_path(path: Path) -> bytes:
    """The absolute bytes of a path that must be there.

    Raises:
        UsageError: it is not.
    """
    if not os.path.lexists(path):
        raise UsageError(f"no such file or folder: {path}")
    return catalog_path(path)


def catalog_path(path: Path) -> bytes:
    """The absolute bytes by which the catalog knows a path, which may be gone: folders are resolved, a file that is a
    link stays one."""
    raw = os.fsencode(path)
    if os.path.isdir(raw):
        return os.path.realpath(raw)
    folder, name = os.path.split(raw)
    return os.path.join(os.path.realpath(folder), name)


class StopSignal:
    """Whether SIGINT or SIGTERM asked to stop, and which."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.interrupted = False

    def is_set(self) -> bool:
        return self._event.is_set()

    def exit_if_interrupted(self) -> None:
        """Ctrl-C ends a command with 130; SIGTERM is an ordered end and no error."""
        if self.interrupted:
            raise typer.Exit(INTERRUPTED)

    def heard(self, number: int, _frame: FrameType | None) -> None:
        if self._event.is_set():  # asked twice: the person means it
            raise KeyboardInterrupt
        self.interrupted = number == signal.SIGINT
        self._event.set()


@contextmanager
def stopping_on_signals() -> Iterator[StopSignal]:
    """Let the work below end in order when told to stop, with a consistent catalog."""
    stop = StopSignal()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before: list[Callable[..., Any] | int | None] = [signal.signal(number, stop.heard) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def hearing_hangups() -> Iterator[Callable[[], bool]]:
    """Whether SIGHUP has come since it was last asked. At a terminal it still ends the program."""
    hangup = threading.Event()
    if not hasattr(signal, "SIGHUP") or sys.stdin.isatty():
        yield hangup.is_set
        return

    def take() -> bool:
        came = hangup.is_set()
        hangup.clear()
        return came

    before = signal.signal(signal.SIGHUP, lambda *_: hangup.set())
    try:
        yield take
    finally:
        signal.signal(signal.SIGHUP, before)
