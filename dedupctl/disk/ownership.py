"""What proves that a file is the one dedupctl moved, or made. A name proves nothing: anybody may take it.

Device numbers change when a disk is mounted again, so an identity is compared without them.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from dedupctl.disk.folders import At
from dedupctl.disk.moves import CHUNK_BYTES, digest_descriptor
from dedupctl.domain import Identity


def is_inode(at: At, expected: Identity) -> bool:
    """The very file, though perhaps written to since."""
    return Identity.of(at.status()).inode == expected.inode


def is_file(at: At, expected: Identity) -> bool:
    """The very file, as it was: same inode, size and time of change."""
    return Identity.of(at.status())[1:4] == expected[1:4]


def holds(at: At, digest: bytes) -> bool:
    """A regular file with just these bytes stands there."""
    try:
        descriptor = at.open()
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and digest_descriptor(descriptor) == digest
    except OSError:
        return False
    finally:
        os.close(descriptor)


def begins_like(at: At, original: At) -> bool:
    """Every byte of the file at `at` is the same in `original`: a copy that was cut off, with which nothing is lost."""
    with suppress(OSError):
        copy = at.open()
        try:
            return stat.S_ISREG(os.fstat(copy).st_mode) and _begins_like(copy, original)
        finally:
            os.close(copy)
    return False


def _begins_like(copy: int, original: At) -> bool:
    whole = original.open()
    try:
        if not stat.S_ISREG(os.fstat(whole).st_mode):
            return False
        while chunk := os.read(copy, CHUNK_BYTES):
            if os.pread(whole, len(chunk), os.lseek(copy, 0, os.SEEK_CUR) - len(chunk)) != chunk:
                return False
        return True
    finally:
        os.close(whole)
