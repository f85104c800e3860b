"""Which roots there are, which of them are really there, and what of them a visit looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import ScanConfig
from dedupctl.disk.root_marker import mark_root, why_offline
from dedupctl.domain import Root
from dedupctl.errors import UsageError
from dedupctl.indexing.scan import Finding, Gone, Walk
from dedupctl.paths import is_or_lies_in


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to visit: a whole root (`folder` b""), or one folder in it, relative to the root."""

    root: Root
    folder: bytes = b""


def add_root(catalog: Catalog, path: bytes, *, reference: bool = False) -> Root:
    """Watch the directory at `path` from now on.

    Raises:
        UsageError: no such directory, not a directory, not readable, or it lies in or around a root already there.
    """
    real = _checked_directory(path)
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
                f" `dedupctl roots remove` that one first, its knowledge is kept"
            )
    device, marker = mark_root(real)
    with catalog.write(durable=True) as tx:
        return tx.roots.add(real, device, marker, reference=reference)


def places(catalog: Catalog, paths: Sequence[bytes]) -> list[Place]:
    """What a scan of these paths visits: a folder in a root stands for itself, any other becomes a root.

    Without paths: every root.

    Raises:
        UsageError: as `add_root`, or no path given and no root known.
    """
    with catalog.read() as tx:
        roots = tx.roots.all()
    if not paths:
        if not roots:
            raise UsageError("no folder is known yet; run `dedupctl scan FOLDER`")
        return [Place(root) for root in roots]
    found = []
    for path in paths:
        real = _checked_directory(path)
        holding = next((root for root in roots if is_or_lies_in(real, root.path)), None)
        if holding is None:
            holding = add_root(catalog, real)
            roots.append(holding)
        found.append(Place(holding, real[len(holding.path) :].strip(b"/")))
    return found


def visit(
    catalog: Catalog, wanted: Iterable[Place], config: ScanConfig, on_offline: Callable[[Root, str], None]
) -> Iterator[Finding]:
    """Look at these places. A root that is offline is passed over: nothing of it is missing."""
    for place in wanted:
        root, reason = present(catalog, place.root)
        if reason is None:
            yield from while_online(root, Walk(catalog, root, config).findings(place.folder))
            reason = why_offline(root)
        if reason is not None:
            on_offline(root, reason)


def while_online(root: Root, findings: Iterable[Finding]) -> Iterator[Finding]:
    """These findings, up to the first missing file after the root itself is no more: a pulled disk deletes nothing."""
    for finding in findings:
        if isinstance(finding, Gone) and why_offline(root) is not None:
            return
        yield finding


def present(catalog: Catalog, root: Root) -> tuple[Root, str | None]:
    """The root as it is mounted now, and why it is offline, if it is.

    A marked root under another device number is the same root: disks and network mounts get a new number at each mount.
    One that may be entered but not listed is as good as away: the daemon would visit it again and again for nothing.
    """
    reason = why_offline(root)
    if reason is not None:
        return root, reason
    try:
        os.scandir(root.path).close()
        device = os.stat(root.path).st_dev
    except OSError as error:  # or it went away since the question above
        return root, error.strerror or str(error)
    if device == root.device:
        return root, None
    with catalog.write() as tx:
        tx.roots.set_device(root, device)
    return Root(root.id, root.path, device, root.marker, root.reference), None


def _checked_directory(path: bytes) -> bytes:
    real = os.path.realpath(path)
    shown = os.fsdecode(path)
    if not os.path.lexists(path):
        raise UsageError(f"no such folder: {shown}")
    if not os.path.isdir(real):
        raise UsageError(f"not a folder: {shown}")
    if not os.access(real, os.R_OK | os.X_OK):
        raise UsageError(f"no permission to read {shown}")
    return real
