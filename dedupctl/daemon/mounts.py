"""Which filesystems change without the kernel telling? Read from the mount table (`proc_pid_mountinfo(5)`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dedupctl.paths import is_or_lies_in

MOUNT_TABLE = Path("/proc/self/mountinfo")
NETWORK = frozenset({"afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3"})
SHARED_BY_A_HOST = frozenset({"9p", "drvfs", "prl_fs", "vboxsf", "virtiofs"})
SILENT = NETWORK | SHARED_BY_A_HOST
"""inotify sees only what this kernel does, not what the server, another client or the virtual machine's host does."""


def silent_filesystem(root: bytes, mount_table: bytes) -> str | None:
    """The type of a filesystem at or below `root` on which other machines' changes raise no events; None if all do.

    Every `fuse.*` type counts as silent: its files may change behind the mount (sshfs, rclone, mergerfs). `fuseblk` is
    a local disk.
    """
    mounts = [(point, kind) for _, point, kind in _entries(mount_table)]
    below = [kind for point, kind in mounts if point != root and is_or_lies_in(point, root)]
    # The longest mount point wins, and of two on one point the later: it hides the earlier.
    _, holding = max(
        ((len(point), kind) for point, kind in reversed(mounts) if is_or_lies_in(root, point)),
        key=lambda mount: mount[0],
        default=(0, ""),
    )
    return next((kind for kind in [holding, *below] if kind in SILENT or kind.startswith("fuse.")), None)


def mount_points(mount_table: bytes) -> Iterator[tuple[bytes, int]]:
    """Where something is mounted, with the number of that very mount: mounted anew it has another."""
    return ((point, number) for number, point, _ in _entries(mount_table))


def _entries(mount_table: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Number, mount point and type of filesystem of every mount."""
    for line in mount_table.splitlines():
        before, separator, after = line.partition(b" - ")
        if separator:
            number, *_, escaped = before.split(b" ")[:5]
            point = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), escaped)
            yield int(number), point, after.split(b" ", 1)[0].decode("ascii", "replace")
