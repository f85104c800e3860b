"""Opening and closing a library, and what every part of `Library` builds on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dedupctl.catalog.catalog import DAEMON_STATE
from dedupctl.config import Config, PolicyConfig, default_home
from dedupctl.errors import DedupctlError, LockHeld
from dedupctl.library.given_paths import AnyPath, absolute
from dedupctl.policy.named_policy import policy_named
from dedupctl.workspace import LOCK_NAME, Workspace, hold, is_running

_INDEXING = "indexing into"


class OpenedLibrary:
    """The open stores of one library."""

    def __init__(self, workspace: Workspace, closing: ExitStack) -> None:
        """Only `open` calls this."""
        self._workspace = workspace
        self._closing = closing

    @classmethod
    def open(cls, home: AnyPath | None = None, *, create: bool = False) -> Self:
        """Open the library whose catalog lies in `home`, by default where the `dedupctl` command keeps it.

        Args:
            home: the directory that holds the catalog, not the pictures.
            create: make an empty library if there is none.

        Raises:
            UsageError: nothing was ever indexed there, and `create` is false.
            ConfigError: the library's config.toml is wrong.
            StoreDamaged: the catalog is damaged, or was emptied.
            StoreNewer: a newer dedupctl wrote the catalog.
        """
        folder = default_home() if home is None else Path(os.fsdecode(absolute(home)))
        with ExitStack() as stack:
            workspace = stack.enter_context(Workspace.open(folder, create=create))
            return cls(workspace, stack.pop_all())

    def close(self) -> None:
        """Close the catalog and the caches."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def home(self) -> Path:
        """The directory that holds the catalog."""
        return self._workspace.home

    @property
    def config(self) -> Config:
        """What the user chose in the library's config.toml."""
        return self._workspace.config

    @property
    def workspace(self) -> Workspace:
        """The stores themselves, for the daemon and the review page, which keep them open for days."""
        return self._workspace

    def policy(self, name: str, changes: Mapping[str, Any] | None = None) -> PolicyConfig:
        """A policy of the configuration, or the ready-made "safe" or "tidy", with `changes` to its fields.

        Raises:
            UsageError: there is no such policy, or the changes do not go with it.
        """
        return policy_named(self.config.policies, name, changes or {})

    @contextmanager
    def indexing(self) -> Iterator[None]:
        """Hold the lock of the one process that may index this library; `scan` and `import_encodings` take it too.

        Raises:
            LockHeld: another process is indexing; the message says so if it is the daemon.
        """
        with indexing_lock(self.home):
            yield

    def daemon_state(self) -> dict[str, Any] | None:
        """What the daemon last said about itself in the catalog; None if none is running."""
        return _daemon_state(self._workspace)


@contextmanager
def indexing_lock(home: Path) -> Iterator[None]:
    """As `OpenedLibrary.indexing`, for a home whose catalog may not exist yet, or is to be replaced.

    Raises:
        LockHeld: another process is indexing; the message says so if it is the daemon.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(home / LOCK_NAME, _INDEXING))
        except LockHeld as held:
            if (process := _watching_process(home)) is None:
                raise
            raise LockHeld(
                f"the daemon (process {process}) watches already and takes up every change by itself;"
                " `dedupctl roots add FOLDER` gives it another folder, `dedupctl status` says what it is doing"
            ) from held
        yield


def _watching_process(home: Path) -> int | None:
    """The process id of the running daemon; None if something else holds the lock, or the catalog cannot be read."""
    try:
        with Workspace.open(home) as workspace:
            state = _daemon_state(workspace)
    except DedupctlError:
        return None
    return None if state is None or not is_running(int(state["pid"])) else int(state["pid"])


def _daemon_state(workspace: Workspace) -> dict[str, Any] | None:
    with workspace.catalog.read() as tx:
        state: dict[str, Any] | None = tx.meta.document(DAEMON_STATE)
    if state is None or state["doing"] == "stopped" or not _is_being_indexed(workspace.home):
        return None
    return state


def _is_being_indexed(home: Path) -> bool:
    try:
        with hold(home / LOCK_NAME, _INDEXING):
            return False
    except LockHeld:
        return True
