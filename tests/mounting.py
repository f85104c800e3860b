"""Mounts for tests, where they are allowed: as root, in whatever namespace the tests run in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(point: Path, *, size: str = "16m") -> Iterator[Path]:
    """A filesystem of its own, in memory, until the end of the block. The test is skipped where that is forbidden."""
    if not mount(point, size=size):
        pytest.skip("mounting is not allowed here")
    try:
        yield point
    finally:
        unmount(point)


def mount(point: Path, *, size: str = "16m") -> bool:
    asked = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(point)]
    try:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unmount(point: Path) -> None:
    subprocess.run(["umount", str(point)], check=True)
