"""The walk: what stands on disk against what the catalog knows, one folder at a time, so memory stays flat.

It only looks. Everything it finds is said as a `Finding` that the one writer acts on.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import Known, Sighting, join
from dedupctl.config import ScanConfig
from dedupctl.domain import FileState, Identity, Root
from dedupctl.fingerprint.decode import looks_like_picture

TOOL_FOLDERS = (b".dedupctl", b"@eaDir", b".stversions", b"lost+found")
"""Folders of tools: thumbnails, versions and quarantines of somebody, never the user's own pictures."""
TOOL_PREFIXES = (b".Trash", b"._")
"""Trash folders, and the resource forks that macOS leaves on foreign disks."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose bytes must be read: new, or not as it was at the last look."""

    root_id: int
    path: bytes
    """Relative to the root."""
    absolute: bytes
    identity: Identity
    known: bool


@dataclass(frozen=True, slots=True)
class Unchanged:
    """So many files of one folder are as they were."""

    count: int


@dataclass(frozen=True, slots=True)
class Relinked:
    """A new path to bytes that are known by their inode: no need to read them."""

    sighting: Sighting
    moved: bool
    """The former path is no more; otherwise it is one more hard link."""


@dataclass(frozen=True, slots=True)
class Gone:
    file_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Revived:
    """Files that were gone stand again where they were, untouched."""

    file_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FolderError:
    """A folder that cannot be read; what is known below it stays as it is."""

    path: bytes
    reason: str


Finding: TypeAlias = Unread | Unchanged | Relinked | Gone | Revived | FolderError


@dataclass
class Walk:
    """One visit of one root, or of one folder in it."""

    catalog: Catalog
    root: Root
    config: ScanConfig
    _visited: set[bytes] = field(default_factory=set)
    _unreadable: list[bytes] = field(default_factory=list)
    _inodes: set[tuple[int, int]] = field(default_factory=set)

    def findings(self, start: bytes = b"") -> Iterator[Finding]:
        """Everything that differs below `start` (relative to the root), and counts of what does not."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            try:
                subfolders, found = self._look_into(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._unreadable.append(folder)
                yield FolderError(join(self.root.path, folder), error.strerror or str(error))
                continue
            self._visited.add(folder)
            yield from found
            waiting += sorted(subfolders, reverse=True)
        yield from self._vanished_folders(start)

    def _look_into(self, folder: bytes) -> tuple[list[bytes], list[Finding]]:
        absolute = join(self.root.path, folder)
        subfolders: list[bytes] = []
        entries: dict[bytes, os.stat_result] = {}
        with os.scandir(absolute) as listing:
            for entry in listing:
                if is_tool_name(entry.name) or self._is_excluded(join(folder, entry.name)):
                    continue
                if entry.is_dir(follow_symlinks=self.config.follow_symlinks):
                    if self._is_first_visit(entry):
                        subfolders.append(join(folder, entry.name))
                elif entry.is_file(follow_symlinks=self.config.follow_symlinks):
                    found = _stat(entry, follow=self.config.follow_symlinks)
                    if found is not None:
                        entries[entry.name] = found
        with self.catalog.read() as tx:
            known = tx.files.in_folder(self.root.id, folder)
            findings = self._compare(tx, folder, entries, known)
        findings += self._missing(absolute, known, entries)
        return subfolders, findings

    def _compare(
        self, tx: Transaction, folder: bytes, entries: dict[bytes, os.stat_result], known: dict[bytes, Known]
    ) -> list[Finding]:
        findings: list[Finding] = []
        unchanged, revived = 0, []
        for name, status in entries.items():
            before = known.get(name)
            if before is None or before.identity != Identity.of(status):
                path = join(folder, name)
                if before is not None or looks_like_picture(join(self.root.path, path)):
                    findings.append(examine(tx, self.root, path, Identity.of(status), before))
            elif before.state == FileState.GONE:
                revived.append(before.file_id)
            else:
                unchanged += 1
        findings.append(Unchanged(unchanged))
        findings.append(Revived(tuple(revived)))
        return findings

    def _missing(
        self, absolute: bytes, known: dict[bytes, Known], entries: dict[bytes, os.stat_result]
    ) -> list[Finding]:
        """Files that were here and are not; on another device than the folder, their disk is not mounted."""
        missing = [file for name, file in known.items() if name not in entries and file.state != FileState.GONE]
        if not missing:
            return []
        device = os.stat(absolute).st_dev
        return [Gone(tuple(file.file_id for file in missing if file.identity.device == device))]

    def _vanished_folders(self, start: bytes) -> Iterator[Finding]:
        """Known folders that the walk did not meet: removed as a whole."""
        with self.catalog.read() as tx:
            vanished = tx.files.folders_under(self.root.id, start) - self._visited
        for folder in sorted(vanished):
            if any(_is_inside(folder, unreadable) for unreadable in self._unreadable):
                continue
            device = _device_of_nearest(self.root.path, folder)
            with self.catalog.read() as tx:
                known = tx.files.in_folder(self.root.id, folder).values()
            yield Gone(tuple(f.file_id for f in known if f.state != FileState.GONE and f.identity.device == device))

    def _is_excluded(self, path: bytes) -> bool:
        if not self.config.exclude:
            return False
        text = os.fsdecode(path)
        return any(fnmatch.fnmatchcase(text, pattern) for pattern in self.config.exclude)

    def _is_first_visit(self, entry: os.DirEntry[bytes]) -> bool:
        """Followed links can lead in circles; a folder is visited once."""
        if not self.config.follow_symlinks:
            return True
        status = entry.stat()
        inode = (status.st_dev, status.st_ino)
        first = inode not in self._inodes
        self._inodes.add(inode)
        return first


def examine(tx: Transaction, root: Root, path: bytes, identity: Identity, before: Known | None) -> Finding:
    """What a path that is new or changed calls for: reading it, unless its inode says that its bytes are known."""
    for twin in () if before is not None else tx.files.with_inode(identity):
        if twin.path != join(root.path, path) and twin.file.content_id is not None:
            sighting = Sighting(root.id, path, identity, twin.file.content_id)
            return Relinked(sighting, moved=not _stands_at(twin.path, identity))
    return Unread(root.id, path, join(root.path, path), identity, known=before is not None)


def look_at(catalog: Catalog, root: Root, path: bytes, config: ScanConfig) -> Finding | None:
    """The same judgement as the walk's, for one path that an event named; None where it calls for nothing."""
    absolute = join(root.path, path)
    if any(is_tool_name(part) for part in path.split(b"/")):
        return None
    try:
        status = os.stat(absolute) if config.follow_symlinks else os.lstat(absolute)
    except OSError:
        status = None
    with catalog.read() as tx:
        known = tx.files.at(root.id, path)
        if status is None or not stat.S_ISREG(status.st_mode):
            return Gone((known.id,)) if known is not None and known.state != FileState.GONE else None
        identity, before = Identity.of(status), None
        if known is not None:
            before = Known(known.id, known.state, known.identity)
            if before.identity == identity:
                return Revived((known.id,)) if known.state == FileState.GONE else None
        elif not looks_like_picture(absolute):
            return None
        return examine(tx, root, path, identity, before)


def _stat(entry: os.DirEntry[bytes], *, follow: bool) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=follow)
    except OSError:
        return None


def _stands_at(path: bytes, identity: Identity) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (identity.device, identity.inode)


def is_tool_name(name: bytes) -> bool:
    """A file or folder of this name is some tool's, wherever it lies: never looked at."""
    return name in TOOL_FOLDERS or name.startswith(TOOL_PREFIXES)


def _is_inside(folder: bytes, outer: bytes) -> bool:
    return outer in (b"", folder) or folder.startswith(outer + b"/")


def _device_of_nearest(root: bytes, folder: bytes) -> int | None:
    """Device of the closest folder above that still stands."""
    while True:
        try:
            return os.stat(join(root, folder)).st_dev
        except OSError:
            if not folder:
                return None
        folder = folder.rpartition(b"/")[0]
