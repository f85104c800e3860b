"""What every command shares: the home it works on, how it prints, and how its errors end the program."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from dedupctl.catalog.catalog import DAEMON_STATE, Transaction
from dedupctl.commands.messages import say
from dedupctl.config import PolicyConfig
from dedupctl.disk.network import network_filesystem
from dedupctl.errors import DedupctlError, LockHeld, UsageError
from dedupctl.report.wording import shown
from dedupctl.workspace import LOCK_NAME, Workspace, hold, is_running

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]
KeepersOf = Annotated[
    str,
    typer.Option("--policy", metavar="NAME", help="The policy whose keepers are shown: safe, tidy or one of yours."),
]
INTERRUPTED = 130
_WRONG_USE = cast("type[Exception]", typer.BadParameter.__base__)
"""Click's `UsageError`, whichever copy of Click this typer brings."""


class Commands(TyperGroup):
    """Turns our errors into one clear line on stderr and the exit code of their class."""

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
    """Click repeats a word it cannot use, and a shell may have made that word of a file's name."""
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
            LockHeld: another process is indexing here; where it is the daemon, the message says so.
        """
        with self.locked(), Workspace.open(self.home, create=True) as workspace:
            warn_of_network(self.home)
            yield workspace

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No second indexer until the end of the block.

        Raises:
            LockHeld: as `indexing`.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(hold(self.home / LOCK_NAME, "indexing into"))
            except LockHeld as held:
                if (process := self._watching_process()) is None:
                    raise
                raise LockHeld(
                    f"the daemon (process {process}) watches already and takes up every change by itself;"
                    " `dedupctl roots add FOLDER` gives it another folder, `dedupctl status` says what it is doing"
                ) from held
            yield

    def daemon_state(self, tx: Transaction) -> dict[str, Any] | None:
        """What the daemon last said of itself; None when none is running."""
        state: dict[str, Any] | None = tx.meta.document(DAEMON_STATE)
        if state is None or not self._is_locked():
            return None
        return None if state["doing"] == "stopped" else state

    def _watching_process(self) -> int | None:
        """The process id of the running daemon; None when something else holds the lock."""
        try:
            with self.workspace() as workspace, workspace.catalog.read() as tx:
                state = self.daemon_state(tx)
        except DedupctlError:
            return None
        return None if state is None or not is_running(int(state["pid"])) else int(state["pid"])

    def _is_locked(self) -> bool:
        try:
            with hold(self.home / LOCK_NAME, "indexing into"):
                return False
        except LockHeld:
            return True


def policy_of(workspace: Workspace, name: str) -> PolicyConfig:
    """A policy of the configuration.

    Raises:
        UsageError: no such policy.
    """
    policies = workspace.config.policies
    if name not in policies:
        raise UsageError(f"there is no policy {name!r}; there are {', '.join(sorted(policies))}")
    return policies[name]


def warn_of_network(home: Path) -> None:
    """SQLite's log and locks hold only between processes of one machine."""
    kind = network_filesystem(home)
    if kind is not None:
        say(
            f"warning: {home} lies on a network filesystem ({kind}), where a catalog can be damaged as soon as two"
            " machines open it; keep it on a local disk (--home)"
        )


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
