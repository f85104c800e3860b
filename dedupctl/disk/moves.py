"""Move one file without ever overwriting another: rename if the filesystem allows, else copy, verify, unlink.

Every name is looked up in an open folder (`folders`), and what was renamed is looked at once more under its new name.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from contextlib import suppress

from blake3 import blake3

from dedupctl.disk.folders import At
from dedupctl.disk.refusal import Refused
from dedupctl.disk.steps import Step, Steps
from dedupctl.domain import Identity

CHUNK_BYTES = 1 << 18
"""Stays in the second-level cache between the read, the digest and the comparison."""
LONGEST_NAME = 255
_RENAME_NOREPLACE = 1
_NOT_SUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_LIBC = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def same_file(found: Identity, expected: Identity) -> bool:
    """The same bytes under whatever name: a rename or one more link changes ctime, but none of these."""
    return found[:4] == expected[:4]


def rename_exclusive(source: At, target: At) -> None:
    """Rename, never overwriting.

    Raises:
        FileExistsError: the target name is taken.
        OSError: EXDEV across filesystems, else as rename(2).
    """
    renameat2 = getattr(_LIBC, "renameat2", None)
    if renameat2 is not None:
        if renameat2(source.folder, source.name, target.folder, target.name, _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NOT_SUPPORTED:
            raise OSError(code, os.strerror(code), source.name, None, target.name)
    _link_then_unlink(source, target)


def move(source: At, target: At, expected: Identity, *, token: bytes, steps: Steps) -> None:
    """Move the file of this identity; whatever else stands under the source name by now goes back there.

    Raises:
        Refused: something else stood there.
        OSError: as the system says; then the source is as it was.
    """
    try:
        rename_exclusive(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target, expected, token=token, steps=steps)
        return
    steps(Step.RENAMED)
    if not same_file(Identity.of(target.status()), expected):
        rename_exclusive(target, source)
        raise Refused("another file took its place at the last moment")


def unlink_exactly(at: At, expected: Identity, *, token: bytes, steps: Steps) -> None:
    """End the file of this identity, and no other that took its name meanwhile.

    Unlinking by name alone would end whatever stands there; so it is renamed first, then looked at, then unlinked.

    Raises:
        Refused: something else stood there; it is back under its name.
        OSError: as the system says.
    """
    aside = At(at.folder, aside_name(token))
    rename_exclusive(at, aside)
    steps(Step.ASIDE)
    if not same_file(Identity.of(aside.status()), expected):
        rename_exclusive(aside, at)
        raise Refused("another file took its place at the last moment")
    aside.unlink()


def part_name(token: bytes) -> bytes:
    """Temporary name of a copy or stand-in that is being made: nothing is lost with it."""
    return b".dedupctl-" + token + b".part"


def aside_name(token: bytes) -> bytes:
    """Temporary name of a file on its way out: recovery gives it its name back."""
    return b".dedupctl-" + token + b".aside"


def discard(at: At) -> None:
    """Unlink one of our own temporary files, if it is there."""
    with suppress(FileNotFoundError):
        # Looked for first: a read-only filesystem refuses to unlink even what is not there.
        at.status()
        at.unlink()


def free_name(folder: int, name: bytes) -> bytes:
    """`name`, or with " (restored)", " (restored 2)" ... before the suffix: the first that is not taken."""
    stem, suffix = os.path.splitext(name)
    for count in range(10_000):
        mark = b"" if count == 0 else b" (restored)" if count == 1 else b" (restored %d)" % count
        tried = stem[: LONGEST_NAME - len(mark) - len(suffix)] + mark + suffix if count else name
        if not At(folder, tried).exists():
            return tried
    raise FileExistsError(errno.EEXIST, "no free name is left", name)


def write_all(descriptor: int, data: bytes) -> None:
    """write(2) may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def digest_descriptor(descriptor: int) -> bytes:
    """BLAKE3 of everything from the start of an open file."""
    hasher = blake3()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while chunk := os.read(descriptor, CHUNK_BYTES):
        hasher.update(chunk)
    return hasher.digest()


def _link_then_unlink(source: At, target: At) -> None:
    """For filesystems without renameat2: a link refuses to overwrite as well."""
    linked = source.status()
    os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=False)
    if not same_file(Identity.of(source.status()), Identity.of(linked)):
        target.unlink()
        raise Refused("another file took its place at the last moment")
    source.unlink()


def _copy_across(source: At, target: At, expected: Identity, *, token: bytes, steps: Steps) -> None:
    """Copy with mode, times and extended attributes, read the copy back, give it its name, then end the original."""
    part = At(target.folder, part_name(token))
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.name)
    original = source.open()
    try:
        status = os.fstat(original)
        if not stat.S_ISREG(status.st_mode) or not same_file(Identity.of(status), expected):
            raise Refused("another file took its place at the last moment")
        try:
            _copy_whole(original, status, part)
        except OSError:
            discard(part)
            raise
        if not same_file(Identity.of(os.fstat(original)), expected):
            discard(part)
            raise Refused("it changed while it was copied")
    finally:
        os.close(original)
    steps(Step.COPIED)
    rename_exclusive(part, target)
    os.fsync(target.folder)
    steps(Step.PLACED)
    try:
        unlink_exactly(source, expected, token=token, steps=steps)
    except (OSError, Refused):
        # The original stands as it did, so the copy is one too many.
        discard(target)
        raise


def _copy_whole(original: int, status: os.stat_result, part: At) -> None:
    discard(part)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    copy = os.open(part.name, flags, 0o600, dir_fd=part.folder)
    try:
        hasher = blake3()
        os.lseek(original, 0, os.SEEK_SET)
        while chunk := os.read(original, CHUNK_BYTES):
            hasher.update(chunk)
            write_all(copy, chunk)
        _copy_attributes(original, status, copy)
        os.fsync(copy)
        if digest_descriptor(copy) != hasher.digest():
            raise OSError(errno.EIO, "the copy does not read back as it was written")
    finally:
        os.close(copy)


def _copy_attributes(original: int, status: os.stat_result, copy: int) -> None:
    """What the target filesystem cannot hold is left out: better a file without its tags than no file."""
    with suppress(OSError):
        os.fchown(copy, status.st_uid, status.st_gid)
    with suppress(OSError):
        os.fchmod(copy, stat.S_IMODE(status.st_mode))
    with suppress(OSError):
        for name in os.listxattr(original):
            with suppress(OSError):
                os.setxattr(copy, name, os.getxattr(original, name))
    with suppress(OSError):
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
