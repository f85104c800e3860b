from __future__ import annotations

import pytest

from dedupctl.daemon.mounts import MOUNT_TABLE, silent_filesystem

TABLE = rb"""22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /proc rw - proc proc rw
31 22 0:41 / /mnt/nas rw shared:7 master:2 - nfs4 nas:/export rw,vers=4.2
32 31 0:42 / /mnt/nas/disk rw - ext4 /dev/sdb1 rw
33 22 0:43 / /mnt/my\040photos rw - cifs //pc/photos rw
34 22 0:44 / /home/a/remote rw - fuse.sshfs a@b: rw
35 22 0:45 / /mnt/usb rw - fuseblk /dev/sdc1 rw
36 22 0:46 / /mnt/twice rw - nfs nas:/old rw
37 22 0:47 / /mnt/twice rw - xfs /dev/sdd1 rw
"""


@pytest.mark.parametrize(
    ("root", "silent"),
    [
        (b"/home/b/Pictures", None),
        (b"/mnt/nas", "nfs4"),
        (b"/mnt/nas/2024", "nfs4"),
        (b"/mnt/nasty", None),
        (b"/mnt/nas/disk/2024", None),
        (b"/mnt/my photos", "cifs"),
        (b"/home/a", "fuse.sshfs"),
        (b"/mnt/usb", None),
        (b"/mnt/twice/x", None),
    ],
    ids=[
        "local",
        "mount point",
        "below",
        "like name",
        "disk in share",
        "space",
        "share in root",
        "ntfs",
        "over-mounted",
    ],
)
def test_the_filesystem_that_holds_the_root_or_lies_below_it_decides(root: bytes, silent: str | None) -> None:
    assert silent_filesystem(root, TABLE) == silent


def test_the_mount_table_of_this_machine_can_be_read() -> None:
    table = MOUNT_TABLE.read_bytes()
    assert silent_filesystem(b"/proc", table) is None
