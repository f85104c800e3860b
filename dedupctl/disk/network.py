"""Is a folder on a network filesystem? SQLite's locks and write-ahead log are not safe there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")
NETWORK = frozenset({"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3"})


def network_filesystem(folder: Path, mount_table: Path = MOUNT_TABLE) -> str | None:
    """The type of the network filesystem that holds this folder; None if it is local or unknown."""
    with suppress(OSError):
        device = os.stat(folder).st_dev
        number = f"{os.major(device)}:{os.minor(device)}".encode()
        for line in mount_table.read_bytes().splitlines():
            # proc_pid_mountinfo(5): the device is the third field, the type the first after the separator
            before, _, after = line.partition(b" - ")
            kind = after.split(b" ", 1)[0].decode("ascii", "replace")
            if before.split(b" ")[2:3] == [number] and kind in NETWORK:
                return kind
    return None
