"""What the walk, or a look at one path, found to differ from the catalog. The one writer acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.catalog.files import Sighting
from dedupctl.domain import Identity


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose bytes must be read because it is new or has changed since the last look."""

    root_id: int
    path: bytes
    """Relative to the root."""
    absolute: bytes
    identity: Identity
    known: bool
    again: bool = False
    """The file has not changed; reading it failed before for a reason that may have passed."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The number of files in one folder that have not changed."""

    count: int


@dataclass(frozen=True, slots=True)
class Relinked:
    """A new path to bytes already known by their inode, which need not be read again."""

    sighting: Sighting
    moved_from: tuple[int, ...]
    """The files whose paths no longer exist; empty if this is an additional hard link."""

    @property
    def moved(self) -> bool:
        return bool(self.moved_from)


@dataclass(frozen=True, slots=True)
class Gone:
    """Files that no longer exist, although their disk is mounted."""

    file_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Skipped system folders, and known files from when they were still scanned. Nobody deleted those files."""

    folders: int
    file_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Revived:
    """Files that were gone and are back at the same path, unchanged."""

    file_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FolderError:
    """A folder, or one entry of it, that cannot be read. The catalog keeps what it knows of it and everything below."""

    path: bytes
    reason: str


Finding: TypeAlias = Unread | Unchanged | Relinked | Gone | PassedOver | Revived | FolderError
