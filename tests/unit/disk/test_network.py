from __future__ import annotations

import os
from pathlib import Path

import pytest

from dedupctl.disk.network import network_filesystem


@pytest.fixture
def number(tmp_path: Path) -> str:
    device = os.stat(tmp_path).st_dev
    return f"{os.major(device)}:{os.minor(device)}"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "smb3"])
def test_a_folder_on_another_machine_is_told(tmp_path: Path, number: str, kind: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "21 1 0:99999 / /proc rw shared:5 - proc proc rw\n"
        f"70 30 {number} / /mnt/nas rw,relatime shared:40 master:2 - {kind} nas:/photos rw,vers=4.2\n"
    )

    assert network_filesystem(tmp_path, table) == kind


def test_a_local_folder_is_not(tmp_path: Path, number: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "70 30 0:99999 / /mnt/nas rw - nfs4 nas:/photos rw\n"
        f"71 30 {number} / / rw,relatime shared:1 - ext4 /dev/root rw\n"
    )

    assert network_filesystem(tmp_path, table) is None


def test_where_nobody_can_tell_nothing_is_said(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "no table") is None
    assert network_filesystem(tmp_path / "no folder") is None
