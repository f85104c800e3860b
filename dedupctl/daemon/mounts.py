"""Finds filesystems that can change without events, from the mount table (`proc_pid_mountinfo(5)`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dedupctl.paths import is_or_lies_in

MOUNT_TABLE = Path("/proc/self/mountinfo")
NETWORK = frozenset({"afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3"})
SHARED_BY_A_HOST = frozenset({"9p", "drvfs", "prl_fs", "vboxsf", "virtiofs"})
SILENT = NETWORK | SHARED_BY_A_HOST
"""inotify reports only changes made by this kernel, not by the server, another client or the virtual machine's host."""


def silent_filesystem(root: bytes, mount_table: bytes) -> str | None:
    """The type of a filesystem at or below `root` that can change without events; None if there is no such filesystem.

    Every `fuse.*` type counts as silent: its files may change behind the mount (sshfs, rclone, mergerfs). `fuseblk` is
    a local disk.
    """
    mounts = [(point, kind) for _, point, kind in _entries(mount_table)]
    below = [kind for point, kind in mounts if point != root and is_or_lies_in(point, root)]
    # The longest mount point wins. Of two mounts on one point, the later hides the earlier.
    _, holding = max(
        ((len(point), kind) for point, kind in reversed(mounts) if is_or_lies_in(root, point)),
        key=lambda mount: mount[0],
        default=(0, ""),
    )
    return next((kind for kind in [holding, *below] if kind in SILENT or kind.startswith("fuse.")), None)


def mount_points(mount_table: bytes) -> Iterator[tuple[bytes, int]]:
    """Every mount point with its mount number, which changes when the filesystem is mounted again."""
    return ((point, number) for number, point, _ in _entries(mount_table))


def _entries(mount_table: bytes) -> Iterator[tuple[int, bytes, str]]:
    """The number, mount point and filesystem type of every mount."""
    for line in mount_table.splitlines():
        before, separator, after = line.partition(b" - ")
        if separator:
            number, *_, escaped = before.split(b" ")[:5]
            point = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), escaped)
            yield int(number), point, after.split(b" ", 1)[0].decode("ascii", "replace")
