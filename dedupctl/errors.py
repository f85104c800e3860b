"""Everything that can go wrong on purpose, and the exit code each one ends the program with.

    DedupctlError                 1   the asked thing failed
    ├── UsageError                2   wrong use: no such path, unknown key, bad value
    │   └── ConfigError           2
    ├── LockHeld                  3   another process holds the workspace
    └── StoreError                4   the store cannot be used as it is
        ├── StoreDamaged          4
        ├── StoreNewer            4   written by a newer dedupctl
        └── StoreUnavailable      4   full, locked, not to be reached: later it may do

One picture that cannot be read is not in this tree: it is a row of the catalog (see `domain.Unreadable`), because one
bad input must never stop a scan. A store of our own that fails is fatal, because going on would make it worse; only
the daemon waits for one that is unavailable. `Interrupted` is no error at all.
"""

from __future__ import annotations


class DedupctlError(Exception):
    """Base of every error a user is meant to read; its text is one clear line."""

    exit_code = 1


class UsageError(DedupctlError):
    """The command was asked for something that cannot be: the user can mend it by asking differently."""

    exit_code = 2


class ConfigError(UsageError):
    """`config.toml` holds an unknown key or a value of the wrong type or range."""


class LockHeld(DedupctlError):
    """Another process has the workspace open for writing."""

    exit_code = 3


class StoreError(DedupctlError):
    """A store in the home directory cannot be used as it is."""

    exit_code = 4


class StoreDamaged(StoreError):
    """A store is broken in a way that only a repair or a backup can mend."""


class StoreNewer(StoreError):
    """The catalog was written by a newer dedupctl; an older one must not touch it."""


class StoreUnavailable(StoreError):
    """A store cannot be used now: its disk is full or gone, or another program has locked it."""


class Interrupted(Exception):
    """Told to stop in the middle of something that may be left off at any moment. Nobody has done anything wrong."""
