"""Which roots are known, which of them are online, and which parts of them a visit covers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import Beat
from dedupctl.catalog.files import LocatedFile
from dedupctl.config import ScanConfig
from dedupctl.disk.refusal import reason_of
from dedupctl.disk.root_marker import mark_root, why_offline
from dedupctl.domain import Identity, Root
from dedupctl.errors import UsageError
from dedupctl.indexing.findings import Finding, Gone
from dedupctl.indexing.recognition import Recognition
from dedupctl.indexing.scan import Walk, nothing
from dedupctl.paths import is_or_lies_in

SAMPLE_FILES = 16
"""Files compared to recognise a root."""


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A folder to scan: a whole root (`folder` is b""), or one folder in it, relative to the root."""

    root: Root
    folder: bytes = b""


def add_root(catalog: Catalog, path: bytes, *, reference: bool = False) -> Root:
    """Watch the directory at `path` from now on.

    Raises:
        UsageError: the directory is missing, not a directory or not readable, or it overlaps a known root.
    """
    real = checked_directory(path)
    with catalog.read() as tx:
        known = tx.roots.all()
    for root in known:
        if root.path == real:
            return root
        if is_or_lies_in(real, root.path):
            raise UsageError(f"{os.fsdecode(real)} is already watched as part of {os.fsdecode(root.path)}")
        if is_or_lies_in(root.path, real):
            raise UsageError(
                f"{os.fsdecode(real)} holds the root {os.fsdecode(root.path)};"
                f" run `dedupctl roots remove` on that one first; what is known of its files is kept"
            )
    device, marker = _marked(real, known)
    with catalog.write(durable=True) as tx:
        return tx.roots.add(real, device, marker, reference=reference)


def scan_targets(catalog: Catalog, paths: Sequence[bytes]) -> list[ScanTarget]:
    """What a scan of these paths covers. A folder inside a root is scanned alone; any other becomes a new root.

    Without paths, every root is scanned.

    Raises:
        UsageError: as `add_root`, or no path given and no root known.
    """
    with catalog.read() as tx:
        roots = tx.roots.all()
    if not paths:
        if not roots:
            raise UsageError("no folder is known yet; run `dedupctl scan FOLDER`")
        return [ScanTarget(root) for root in roots]
    found = []
    for path in paths:
        real = checked_directory(path)
        holding = next((root for root in roots if is_or_lies_in(real, root.path)), None)
        if holding is None:
            holding = add_root(catalog, real)
            roots.append(holding)
        found.append(ScanTarget(holding, real[len(holding.path) :].strip(b"/")))
    return found


def walk_targets(
    catalog: Catalog,
    wanted: Iterable[ScanTarget],
    config: ScanConfig,
    on_offline: Callable[[Root, str], None],
    beat: Beat = nothing,
) -> Iterator[Finding]:
    """Walk these targets. An offline root is skipped, and none of its files count as missing."""
    recognition = Recognition()
    for target in wanted:
        root, reason = present(catalog, target.root)
        if reason is None:
            yield from while_online(root, Walk(catalog, root, config, beat, recognition).findings(target.folder))
            reason = why_offline(root)
        if reason is not None:
            on_offline(root, reason)


def while_online(root: Root, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Pass findings on until a file is missing because the root itself has gone: unplugging a disk deletes nothing."""
    for finding in findings:
        if isinstance(finding, Gone) and why_offline(root) is not None:
            return
        yield finding


def present(catalog: Catalog, root: Root) -> tuple[Root, str | None]:
    """The root as it is mounted now, and the reason if it is offline.

    A marked root with another device number is the same root: disks and network mounts get a new number at each mount.
    A root that cannot be marked is recognised by its files. A root that can be entered but not listed counts as
    offline, because the daemon would otherwise visit it again and again in vain.
    """
    reason = why_offline(root)
    if reason is not None and not (root.marker is None and holds_known_files(catalog, root)):
        return root, reason
    root = _told_apart(catalog, root)
    try:
        os.scandir(root.path).close()
        device = os.stat(root.path).st_dev
    except OSError as error:  # it may also have gone offline since the check above
        return root, error.strerror or str(error)
    if device == root.device:
        return root, None
    with catalog.write() as tx:
        tx.roots.set_device(root, device)
    return replace(root, device=device), None


def _marked(path: bytes, others: Iterable[Root]) -> tuple[int, str | None]:
    try:
        return mark_root(path, others)
    except OSError as error:
        raise UsageError(f"cannot watch {os.fsdecode(path)}: {reason_of(error)}") from error


def _told_apart(catalog: Catalog, root: Root) -> Root:
    """Give the later of two roots with the same marker a new one; a disk cloned while offline causes this."""
    with catalog.read() as tx:
        older = [one for one in tx.roots.all() if one.marker == root.marker and one.id < root.id]
    if root.marker is None or not older:
        return root
    marker = mark_root(root.path, older)[1]
    if marker != root.marker:
        with catalog.write(durable=True) as tx:
            tx.roots.set_marker(root.id, marker)
    return replace(root, marker=marker)


def holds_known_files(catalog: Catalog, root: Root) -> bool:
    """Whether a sample of this root's known files exists below its path with the same inodes, as on no other disk.

    The device number alone proves little, and a read-only root has no marker."""
    with catalog.read() as tx:
        sample = tx.files.sample(root.id, SAMPLE_FILES)
    return bool(sample) and all(_is_same_inode(located) for located in sample)


def _is_same_inode(located: LocatedFile) -> bool:
    try:
        found = Identity.of(os.lstat(located.path))
    except OSError:
        return False
    return found[1:4] == located.file.identity[1:4]


def checked_directory(path: bytes) -> bytes:
    """The folder at this path, with symbolic links resolved.

    Raises:
        UsageError: there is no folder, or it cannot be read.
    """
    real = os.path.realpath(path)
    shown = os.fsdecode(path)
    if not os.path.lexists(path):
        raise UsageError(f"no such folder: {shown}")
    if not os.path.isdir(real):
        raise UsageError(f"not a folder: {shown}")
    if not os.access(real, os.R_OK | os.X_OK):
        raise UsageError(f"no permission to read {shown}")
    return real
