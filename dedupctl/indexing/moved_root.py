"""Moving a root to a new location: a new disk, a container, another mount point. Only a sample of files is read.

Files are recognised by path, size and mtime, which every copy that preserves dates keeps. The content hashes of a
sample are compared. Files that do not match are left to the next scan, which reads them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.files import LocatedFile
from dedupctl.disk.refusal import Refused
from dedupctl.disk.root_marker import mark_root
from dedupctl.disk.verification import digest_of
from dedupctl.domain import Identity, Root
from dedupctl.errors import UsageError
from dedupctl.indexing.roots import checked_directory
from dedupctl.paths import is_or_lies_in, join, lies_in, relative_to

SAMPLE_FILES = 20
COARSEST_MTIME_NS = 2_000_000_000
"""FAT stores dates with a resolution of two seconds, and many copying tools truncate them to whole seconds."""
LEAST_SHARE = 0.5
"""Share of the known files that must be found. If fewer are, this is another folder or an incomplete copy."""


@dataclass(frozen=True, slots=True)
class MovedRoot:
    """How many known files were found at the new location, and how many were not (the next scan looks for them)."""

    path: bytes
    met: int
    others: int


def move_root(catalog: Catalog, old: bytes, new: bytes) -> MovedRoot:
    """Move the root at `old` to the folder `new`, keeping its verdicts, protections, journal and quarantine.

    The caller holds the workspace's lock and is `acting`.

    Raises:
        UsageError: the root or the folder does not exist, or the folder overlaps another root or holds other files.
    """
    with catalog.read() as tx:
        known = tx.roots.all()
    root = next((root for root in known if root.path == old), None)
    if root is None:
        raise UsageError(f"{os.fsdecode(old)} is not a watched folder; see `dedupctl roots list`")
    path = checked_directory(new)
    for other in known:
        if other.id != root.id and (is_or_lies_in(path, other.path) or is_or_lies_in(other.path, path)):
            raise UsageError(f"{os.fsdecode(path)} and the root {os.fsdecode(other.path)} share files")
    met, others = _met(catalog, root, path)
    _refuse_other_files(catalog, path, met, others)
    _refuse_a_quarantine_left_behind(catalog, root, path)
    device, marker = mark_root(path)
    if any(other.id != root.id and marker is not None and other.marker == marker for other in known):
        raise UsageError(f"{os.fsdecode(path)} has the marker of another root")
    with catalog.write(durable=True) as tx:
        tx.roots.move(root, path, device, marker)
        tx.files.identify({located.file.id: identity for located, identity in met})
    return MovedRoot(path, len(met), others)


def _met(catalog: Catalog, root: Root, path: bytes) -> tuple[list[tuple[LocatedFile, Identity]], int]:
    """The known files found at the new location with their old size and date, and the number of those that were not."""
    met, others = [], 0
    with catalog.read() as tx:
        for located in tx.files.present(root.id):
            identity = _identity_at(join(path, located.file.path))
            if identity is not None and _may_be_the_same(identity, located.file.identity):
                met.append((located, identity))
            else:
                others += 1
    return met, others


def _identity_at(path: bytes) -> Identity | None:
    try:
        return Identity.of(os.lstat(path))
    except OSError:
        return None


def _may_be_the_same(found: Identity, known: Identity) -> bool:
    return found.size == known.size and abs(found.mtime_ns - known.mtime_ns) < COARSEST_MTIME_NS


def _refuse_other_files(catalog: Catalog, path: bytes, met: list[tuple[LocatedFile, Identity]], others: int) -> None:
    if len(met) < LEAST_SHARE * (len(met) + others):
        raise UsageError(
            f"only {len(met):,} of {len(met) + others:,} files are in {os.fsdecode(path)} with the size and date they"
            " had; nothing was changed"
        )
    sample = met[:: max(1, len(met) // SAMPLE_FILES)][:SAMPLE_FILES]
    with catalog.read() as tx:
        contents = tx.contents.get([located.file.content_id for located, _ in sample if located.file.content_id])
    for located, _ in sample:
        content = contents.get(located.file.content_id or 0)
        try:
            digest, _ = digest_of(path, located.file.path)
        except (OSError, Refused) as error:
            raise UsageError(f"cannot read {os.fsdecode(join(path, located.file.path))}: {error}") from error
        if content is not None and digest != content.digest:
            raise UsageError(
                f"{os.fsdecode(join(path, located.file.path))} no longer has the same content; nothing was changed"
            )


def _refuse_a_quarantine_left_behind(catalog: Catalog, root: Root, path: bytes) -> None:
    with catalog.read() as tx:
        waiting = [entry.target for entry in tx.journal.resting() if entry.target is not None]
    left = [
        target
        for target in waiting
        if lies_in(target, root.path) and not os.path.lexists(join(path, relative_to(target, root.path)))
    ]
    if left:
        raise UsageError(
            f"{len(left):,} removed files wait in the quarantine of {os.fsdecode(root.path)} and are not in"
            f" {os.fsdecode(path)}; copy its folder .dedupctl as well, or restore or purge them first"
        )
