"""The walk compares the disk with the catalog, a few folders at a time, so that memory use stays constant.

It changes nothing. It reports every difference as a `Finding`, which the one writer acts on.
"""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.engine import Beat
from dedupctl.catalog.files import KnownFile, Sighting
from dedupctl.config import ScanConfig
from dedupctl.disk.root_marker import OWN_FOLDER
from dedupctl.domain import File, FileState, Identity, Root
from dedupctl.fingerprint.sniff import looks_like_picture
from dedupctl.indexing.findings import Finding, FolderError, Gone, PassedOver, Relinked, Revived, Unchanged, Unread
from dedupctl.indexing.presence import closest_present_folder, identity_of_file
from dedupctl.indexing.recognition import Before, Recognised, Recognition
from dedupctl.paths import join, split
from dedupctl.system_folders import is_system_name, is_system_path


def nothing() -> None:
    """A beat that does nothing."""


RESOURCE_FORK = b"._"
"""Prefix of the files that macOS leaves on disks with other filesystems."""
FOLDERS_A_LOOK = 64
"""Folders read in one read transaction. A transaction costs as much as twenty files."""
FINDINGS_A_LOOK = 1000


@dataclass
class Walk:
    """One visit of one root, or of one folder in it. `beat` is called for every file examined."""

    catalog: Catalog
    root: Root
    config: ScanConfig
    beat: Beat = nothing
    recognition: Recognition = field(default_factory=Recognition)
    _waiting: list[bytes] = field(default_factory=list)
    _linked: list[bytes] = field(default_factory=list)
    """Folders behind followed links are visited last, so that a folder also reached directly is visited there."""
    _visited: set[bytes] = field(default_factory=set)
    _unreadable: list[bytes] = field(default_factory=list)
    _inodes: set[tuple[int, int]] = field(default_factory=set)
    _due: set[int] = field(default_factory=set)
    """Files that could not be read and are now due for another attempt."""

    def findings(self, start: bytes = b"") -> Iterator[Finding]:
        """Everything that has changed below `start` (relative to the root), and counts of what has not."""
        with self.catalog.read() as tx:
            self._due = tx.retries.due(self.root.id, int(time.time()))
        if not is_passed_over(start, self.config) and self._stands(start):
            self._waiting.append(start)
        while self._waiting or self._linked:
            yield from self._look_into_some()
        yield from self._vanished_folders(start)

    def _stands(self, folder: bytes) -> bool:
        try:
            present = closest_present_folder(self.root.path, folder, follow=self.config.follow_symlinks)
        except OSError:
            return False
        return present.folder == folder

    def _look_into_some(self) -> list[Finding]:
        """Examine the next few folders. Nothing is yielded inside the transaction, because the consumer may be slow."""
        findings: list[Finding] = []
        with self.catalog.read() as tx:
            for _ in range(FOLDERS_A_LOOK):
                if not (self._waiting or self._linked) or len(findings) > FINDINGS_A_LOOK:
                    break
                folder = self._waiting.pop() if self._waiting else self._linked.pop()
                findings += self._look_into(tx, folder)
        return findings

    def _look_into(self, tx: Transaction, folder: bytes) -> list[Finding]:
        absolute = join(self.root.path, folder)
        known = tx.files.in_folder(self.root.id, folder)
        try:
            if not self._is_first_visit(absolute):
                return []
            listing = self._compare(folder, known)
            device = os.stat(absolute).st_dev if listing.missing else None
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._unreadable.append(folder)
            return [FolderError(absolute, error.strerror or str(error))]
        self._visited.add(folder)
        self._waiting += sorted(listing.subfolders, reverse=True)
        self._linked += sorted(listing.linked, reverse=True)
        self._unreadable += [join(folder, name) for name in listing.failed]
        return [
            *(FolderError(join(absolute, name), reason) for name, reason in listing.failed.items()),
            *self._examined(tx, folder, listing.differing),
            *_gone(listing.missing, device),
            *([Revived(tuple(listing.revived))] if listing.revived else ()),
            *([Unchanged(listing.unchanged)] if listing.unchanged else ()),
            *([PassedOver(listing.passed_over)] if listing.passed_over else ()),
        ]

    def _compare(self, folder: bytes, known: dict[bytes, KnownFile]) -> _Listing:
        """Compare one folder on disk with what is `known` of it. Written for speed: every visit handles every file."""
        follow, choosy = self.config.follow_symlinks, bool(self.config.exclude)
        gone, error = FileState.GONE.value, FileState.ERROR.value
        listing = _Listing()
        with os.scandir(join(self.root.path, folder)) as entries:
            for entry in entries:
                self.beat()
                name = entry.name
                if choosy and _is_excluded(join(folder, name), self.config):
                    continue
                before = known.get(name)
                try:
                    if before is not None:
                        status = entry.stat(follow_symlinks=follow)
                        if _is_as_known(before, status) and not (before.file_id in self._due and before.state == error):
                            del known[name]
                            if before.state == gone:
                                listing.revived.append(before.file_id)
                            else:
                                listing.unchanged += 1
                            continue
                    if is_own_name(name):
                        continue
                    if entry.is_dir(follow_symlinks=follow):
                        listing.take(join(folder, name), self.config, linked=follow and entry.is_symlink())
                    elif entry.is_file(follow_symlinks=follow):
                        listing.differing[name] = Identity.of(entry.stat(follow_symlinks=follow)), before
                        known.pop(name, None)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    if isinstance(error, PermissionError) and not follow:
                        raise  # the folder can be listed, but its entries cannot be examined
                    listing.failed[name] = error.strerror or str(error)
                    known.pop(name, None)
        listing.missing = [file for file in known.values() if file.state != FileState.GONE]
        return listing

    def _examined(
        self, tx: Transaction, folder: bytes, differing: Mapping[bytes, tuple[Identity, KnownFile | None]]
    ) -> list[Finding]:
        """Findings for the new and changed files of a folder."""
        wanted = {
            join(folder, name): found
            for name, found in differing.items()
            if found[1] is not None or self._may_be_a_picture(join(self.root.path, folder, name))
        }
        met = {
            path: (identity, None if before is None else Before(before.file_id, before.identity))
            for path, (identity, before) in wanted.items()
        }
        recognised = self.recognition.recognise(tx, met)
        return [
            _judged(self.root, path, identity, before, recognised.get(path)) for path, (identity, before) in met.items()
        ]

    def _may_be_a_picture(self, absolute: bytes) -> bool:
        self.beat()
        return looks_like_picture(absolute)

    def _vanished_folders(self, start: bytes) -> Iterator[Finding]:
        """Findings for known folders that the walk did not encounter because they were removed as a whole."""
        with self.catalog.read() as tx:
            vanished = tx.files.folders_under(self.root.id, start) - self._visited
        for folder in sorted(vanished):
            self.beat()
            if any(_is_inside(folder, unreadable) for unreadable in self._unreadable):
                continue
            try:
                present = closest_present_folder(self.root.path, folder, follow=self.config.follow_symlinks)
            except OSError:
                continue
            with self.catalog.read() as tx:
                known = tx.files.in_folder(self.root.id, folder).values()
            if self.config.system_folders == "skip" and is_system_path(folder):
                yield from _let_go(known)
                continue
            yield from _gone((file for file in known if file.state != FileState.GONE), present.device)

    def _is_first_visit(self, absolute: bytes) -> bool:
        """Each folder is visited once, because followed links can form cycles."""
        if not self.config.follow_symlinks:
            return True
        status = os.stat(absolute)
        inode = (status.st_dev, status.st_ino)
        first = inode not in self._inodes
        self._inodes.add(inode)
        return first


@dataclass
class _Listing:
    """The entries of one folder, grouped by how they compare with the catalog."""

    subfolders: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    """Subfolders behind a symbolic link."""
    unchanged: int = 0
    passed_over: int = 0
    """Subfolders that are system folders."""
    revived: list[int] = field(default_factory=list)
    differing: dict[bytes, tuple[Identity, KnownFile | None]] = field(default_factory=dict)
    """New and changed files by name, with what the catalog knew of them."""
    missing: list[KnownFile] = field(default_factory=list)
    failed: dict[bytes, str] = field(default_factory=dict)
    """Entries that cannot be examined, with the reason."""

    def take(self, subfolder: bytes, config: ScanConfig, *, linked: bool) -> None:
        if config.system_folders == "skip" and is_system_path(subfolder):
            self.passed_over += 1
        else:
            (self.linked if linked else self.subfolders).append(subfolder)


def look_at(
    catalog: Catalog, root: Root, path: bytes, config: ScanConfig, recognition: Recognition | None = None
) -> Finding | None:
    """What the walk would find at one path that an event named; None if nothing has changed there."""
    if is_passed_over(path, config):
        return None
    folder, _ = split(path)
    try:
        present = closest_present_folder(root.path, folder, follow=config.follow_symlinks)
        identity = identity_of_file(join(root.path, path), follow=config.follow_symlinks)
    except OSError:
        return None
    with catalog.read() as tx:
        file = tx.files.at(root.id, path)
        if identity is None or present.folder != folder:
            return None if file is None or file.state is FileState.GONE else _lost(file, present.device)
        if file is not None and file.identity == identity:
            return Revived((file.id,)) if file.state is FileState.GONE else None
        if file is None and not looks_like_picture(join(root.path, path)):
            return None
        before = None if file is None else Before(file.id, file.identity)
        recognised = (recognition or Recognition()).recognise(tx, {path: (identity, before)})
        return _judged(root, path, identity, before, recognised.get(path))


def _lost(file: File, device: int) -> Gone | None:
    return Gone((file.id,)) if file.identity.device == device else None


def _is_as_known(before: KnownFile, status: os.stat_result) -> bool:
    """Whether nothing has changed. The values of `stat` nearly always equal the stored ones, and comparing plain tuples
    costs a quarter of building an `Identity`."""
    now = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    stored = (before.device, before.inode, before.size, before.mtime_ns, before.ctime_ns)
    return stored == now or stored == Identity.of(status)


def is_own_name(name: bytes) -> bool:
    """Whether this name belongs to dedupctl itself or to a macOS resource fork; neither is ever examined."""
    return name == OWN_FOLDER or name.startswith(RESOURCE_FORK)


def is_unwatched_name(name: bytes, config: ScanConfig) -> bool:
    """Whether everything below a folder of this name can be ignored, wherever the folder lies."""
    return is_own_name(name) or (config.system_folders == "skip" and is_system_name(name))


def is_passed_over(path: bytes, config: ScanConfig) -> bool:
    """Whether this path (relative to its root) is skipped because it is, or lies in, a system or excluded folder."""
    parts = path.split(b"/")
    if any(is_own_name(part) for part in parts) or (config.system_folders == "skip" and is_system_path(path)):
        return True
    return any(_is_excluded(b"/".join(parts[:end]), config) for end in range(1, len(parts) + 1))


def _is_excluded(path: bytes, config: ScanConfig) -> bool:
    text = os.fsdecode(path)
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in config.exclude)


def _judged(
    root: Root, path: bytes, identity: Identity, before: Before | None, recognised: Recognised | None
) -> Finding:
    """A file that is not recognised must be read, and one that could not be read is tried again."""
    if recognised is None:
        again = before is not None and before.identity == identity
        return Unread(root.id, path, join(root.path, path), identity, known=before is not None, again=again)
    return Relinked(Sighting(root.id, path, identity, recognised.content_id), recognised.moved_from)


def _gone(missing: Iterable[KnownFile], device: int | None) -> list[Finding]:
    """Missing files. If their device differs from that of the folder that is there now, their disk is not mounted."""
    file_ids = tuple(file.file_id for file in missing if file.device == device)
    return [Gone(file_ids)] if file_ids else []


def _let_go(known: Iterable[KnownFile]) -> list[Finding]:
    file_ids = tuple(file.file_id for file in known if file.state != FileState.GONE)
    return [PassedOver(0, file_ids)] if file_ids else []


def _is_inside(folder: bytes, outer: bytes) -> bool:
    return outer in (b"", folder) or folder.startswith(outer + b"/")
