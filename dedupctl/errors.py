"""Every error that dedupctl raises deliberately, and the exit code with which it ends the program.

    DedupctlError                 1   the requested operation failed
    ├── UsageError                2   wrong use: no such path, unknown key, invalid value
    │   └── ConfigError           2
    ├── LockHeld                  3   another process has locked the workspace
    └── StoreError                4   the store cannot be used as it is
        ├── StoreDamaged          4
        ├── StoreNewer            4   written by a newer dedupctl
        └── StoreUnavailable      4   full, locked or not reachable; it may work later

A picture that cannot be read is not in this tree. It is a row in the catalog (see `domain.Unreadable`), because one bad
input must never stop a scan. A failure of one of our own stores is fatal, because going on would make it worse; only
the daemon waits for a store that is unavailable. `Interrupted` is not an error.
"""

from __future__ import annotations


class DedupctlError(Exception):
    """Base class of the errors that users are meant to read; the text is one clear line."""

    exit_code = 1


class UsageError(DedupctlError):
    """The command cannot do what it was asked; the user can fix this by asking for something else."""

    exit_code = 2


class ConfigError(UsageError):
    """`config.toml` contains an unknown key, or a value of the wrong type or out of range."""


class LockHeld(DedupctlError):
    """Another process has the workspace open for writing."""

    exit_code = 3


class StoreError(DedupctlError):
    """A store in the home directory cannot be used as it is."""

    exit_code = 4


class StoreDamaged(StoreError):
    """A store is damaged so that only a repair or a backup can help."""


class StoreNewer(StoreError):
    """The catalog was written by a newer dedupctl; an older one must not touch it."""


class StoreUnavailable(StoreError):
    """A store cannot be used at the moment: its disk is full or missing, or another program has locked it."""


class Interrupted(Exception):
    """A request to stop during work that may be aborted at any moment. It is not an error."""
