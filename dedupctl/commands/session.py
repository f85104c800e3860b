"""What all commands share: the home they work on, how they print JSON, and how errors and signals end them."""

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
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from dedupctl.commands.messages import say
from dedupctl.disk.network import network_filesystem
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.library import Library
from dedupctl.library.given_paths import catalog_path
from dedupctl.report.wording import shown

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]
KeepersOf = Annotated[
    str,
    typer.Option("--policy", metavar="NAME", help="The policy whose keepers are shown: safe, tidy or one of yours."),
]
INTERRUPTED = 130
_WRONG_USE = cast("type[Exception]", typer.BadParameter.__base__)
"""Click's `UsageError`, whichever copy of Click this typer brings."""


class Commands(TyperGroup):
    """Turns our errors into one line on stderr and the exit code of their class."""

    def make_context(self, *call: Any, **more: Any) -> Any:
        with _printable_complaints():
            return super().make_context(*call, **more)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _printable_complaints():
                return super().invoke(ctx)
        except DedupctlError as error:
            say(f"dedupctl: {error}")
            raise typer.Exit(error.exit_code) from error


@contextmanager
def _printable_complaints() -> Iterator[None]:
    """Escape Click's messages: they repeat the offending word, which a shell may have made from a file name."""
    try:
        yield
    except _WRONG_USE as error:
        error.message = shown(error.message)  # type: ignore[attr-defined]
        raise


@dataclass(frozen=True)
class Session:
    """One call of `dedupctl`."""

    home: Path

    @contextmanager
    def library(self, *, create: bool = False) -> Iterator[Library]:
        """The library of this home, which works beside a running daemon; `create` makes an empty one if there is none.

        Raises:
            UsageError: nothing is indexed yet, and `create` is false.
        """
        with Library.open(self.home, create=create) as library:
            yield library


def warn_of_network(home: Path) -> None:
    """Warn if the home is on a network filesystem: SQLite's log and locks work between processes of one machine."""
    kind = network_filesystem(home)
    if kind is not None:
        say(
            f"warning: {home} lies on a network filesystem ({kind}), where a catalog can be damaged as soon as two"
            " machines open it; keep it on a local disk (--home)"
        )


def print_json(document: object) -> None:
    """Print JSON in pure ASCII: a byte of a name that is not UTF-8 is a lone surrogate, which JSON must escape."""
    typer.echo(json.dumps(document, indent=2))


def existing_path(path: Path) -> bytes:
    """The absolute bytes by which the catalog knows a path that must exist.

    Raises:
        UsageError: it does not exist.
    """
    if not os.path.lexists(path):
        raise UsageError(f"no such file or folder: {path}")
    return catalog_path(as_written(path))


def as_written(path: str | Path) -> bytes:
    """The absolute bytes of a path whose `~` the shell has expanded already: one that is left is part of a name."""
    return os.path.abspath(os.fsencode(path))


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
        if self._event.is_set():  # a second signal: the person insists
            raise KeyboardInterrupt
        self.interrupted = number == signal.SIGINT
        self._event.set()


@contextmanager
def stopping_on_signals() -> Iterator[StopSignal]:
    """Let the work in the block end in order, with a consistent catalog, when a signal asks it to stop."""
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
    """Yields a function that tells whether SIGHUP came since it was last asked; at a terminal it ends the program."""
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
