"""Move one file without ever overwriting another: rename within a filesystem, else copy, verify and unlink.

Every name is looked up in an open folder (see `folders`), and a renamed file is checked again under its new name.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from blake3 import blake3

from dedupctl.disk.durable import sync_file, sync_folder, write_all
from dedupctl.disk.folders import At
from dedupctl.disk.refusal import Refused
from dedupctl.disk.steps import Step, Steps
from dedupctl.domain import Identity

CHUNK_BYTES = 1 << 18
"""A chunk stays in the second-level cache between read, digest and comparison."""
LONGEST_NAME = 255
_RENAME_NOREPLACE = 1
_NOT_SUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
Note: TypeAlias = Callable[[Identity], None]
"""Durably records the identity of a copy before it gets its name, so that recovery can prove that it is ours."""
_LIBC = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def unnoted(_copy: Identity) -> None:
    """For moves that recovery can prove by other means after an interruption."""


def same_file(found: Identity, expected: Identity) -> bool:
    """The same unmodified file under any name: a rename or a new hard link changes ctime, but none of these fields."""
    return found[:4] == expected[:4]


def rename_exclusive(source: At, target: At) -> None:
    """Rename without overwriting.

    Raises:
        FileExistsError: the target name is taken.
        OSError: EXDEV across filesystems, otherwise as rename(2).
    """
    renameat2 = getattr(_LIBC, "renameat2", None)
    if renameat2 is not None:
        if renameat2(source.folder, source.name, target.folder, target.name, _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NOT_SUPPORTED:
            raise OSError(code, os.strerror(code), source.name, None, target.name)
    _link_then_unlink(source, target)


def move(
    source: At, target: At, expected: Identity, *, token: bytes, steps: Steps, note: Note, from_ours: bool = False
) -> None:
    """Move the file with this identity, and no other that has taken its name meanwhile.

    A wrong file at the target after a rename may have been swapped in at the source just before, or put at the target
    just after. It goes back to the source, unless the source is `from_ours`: nobody else saves files there.

    Raises:
        Refused: another file was there.
        OSError: as the system reports; the source is unchanged.
    """
    if not same_file(Identity.of(source.status()), expected):
        raise Refused("another file took its place at the last moment")
    try:
        rename_exclusive(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target, expected, token=token, steps=steps, note=note)
        return
    steps(Step.RENAMED)
    if not same_file(Identity.of(target.status()), expected):
        if not from_ours:
            give_back(target, source)
        raise Refused("another file took its place at the last moment")


def unlink_exactly(at: At, expected: Identity, *, token: bytes, steps: Steps) -> None:
    """Delete the file with this identity, and no other that has taken its name meanwhile.

    Unlinking by name alone would delete whatever is there. So the file is renamed, checked, and then unlinked.

    Raises:
        Refused: another file was there; it has its name back.
        OSError: as the system reports.
    """
    aside = _put_aside(at, token)
    steps(Step.ASIDE)
    if not same_file(Identity.of(aside.status()), expected):
        give_back(aside, at)
        raise Refused("another file took its place at the last moment")
    aside.unlink()


def _put_aside(at: At, token: bytes) -> At:
    for name in aside_names(token)[:-1]:
        with suppress(FileExistsError):  # another file has our temporary name
            rename_exclusive(at, At(at.folder, name))
            return At(at.folder, name)
    aside = At(at.folder, aside_names(token)[-1])
    rename_exclusive(at, aside)
    return aside


def name_made(part: At, place: At, made: Identity) -> None:
    """Give the file that this process made under a temporary name its final name, and no other that took that name.

    Raises:
        Refused: another file had the temporary name; it has it again.
        FileExistsError: the final name is taken.
        OSError: as rename(2).
    """
    rename_exclusive(part, place)
    if not same_file(Identity.of(place.status()), made):
        give_back(place, part)
        raise Refused("another file took its place at the last moment")


def give_back(taken: At, place: At) -> bytes:
    """Rename a file back to its former name, or to a free name beside it if that is taken; return the name it has now.

    Raises:
        OSError: as the system reports; the file was not moved.
    """
    while True:
        name = free_name(place.folder, place.name)
        try:
            rename_exclusive(taken, At(place.folder, name))
        except FileExistsError:
            # Somebody has just taken this name: try the next free one.
            continue
        return name


def part_names(token: bytes) -> tuple[bytes, ...]:
    """Temporary names for a copy or replacement in the making; the first free one is used.

    The name alone does not prove that a file is ours.
    """
    return tuple(b".dedupctl-%s.part%s" % (token, count) for count in (b"", b"2", b"3", b"4"))


def free_part(folder: int, token: bytes) -> At:
    """The first free temporary name, or the last one if all are taken."""
    names = part_names(token)
    return next((part for name in names if not (part := At(folder, name)).exists()), At(folder, names[-1]))


def aside_names(token: bytes) -> tuple[bytes, ...]:
    """Temporary names for a file that is about to be deleted; the first free one is used. Recovery undoes this."""
    return tuple(b".dedupctl-%s.aside%s" % (token, count) for count in (b"", b"2", b"3", b"4"))


def discard_made(at: At, made: Identity) -> None:
    """Unlink a temporary file that this process has just made, if its name still leads to it."""
    with suppress(FileNotFoundError):
        found = Identity.of(at.status())
        if found[:2] == made[:2]:
            at.unlink()


def free_name(folder: int, name: bytes) -> bytes:
    """`name`, or with " (restored)", " (restored 2)" ... before the suffix: the first free name."""
    stem, suffix = os.path.splitext(name)
    for count in range(10_000):
        mark = b"" if count == 0 else b" (restored)" if count == 1 else b" (restored %d)" % count
        tried = stem[: LONGEST_NAME - len(mark) - len(suffix)] + mark + suffix if count else name
        if not At(folder, tried).exists():
            return tried
    raise FileExistsError(errno.EEXIST, "no free name is left", name)


def digest_descriptor(descriptor: int) -> bytes:
    """BLAKE3 of everything from the start of an open file."""
    hasher = blake3()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while chunk := os.read(descriptor, CHUNK_BYTES):
        hasher.update(chunk)
    return hasher.digest()


def _link_then_unlink(source: At, target: At) -> None:
    """For filesystems without renameat2: link(2) never overwrites either."""
    linked = source.status()
    os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=False)
    if not same_file(Identity.of(source.status()), Identity.of(linked)):
        target.unlink()
        raise Refused("another file took its place at the last moment")
    source.unlink()


def _copy_across(source: At, target: At, expected: Identity, *, token: bytes, steps: Steps, note: Note) -> None:
    """Copy with mode, times and extended attributes, verify the copy, give it its name, then delete the original."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.name)
    original = source.open()
    try:
        status = os.fstat(original)
        if not stat.S_ISREG(status.st_mode) or not same_file(Identity.of(status), expected):
            raise Refused("another file took its place at the last moment")
        part = free_part(target.folder, token)
        copied = _copy_whole(original, status, part)
        if not same_file(Identity.of(os.fstat(original)), expected):
            discard_made(part, copied)
            raise Refused("it changed while it was copied")
    finally:
        os.close(original)
    note(copied)
    steps(Step.COPIED)
    try:
        name_made(part, target, copied)
    except OSError:
        discard_made(part, copied)
        raise
    sync_folder(target.folder)
    steps(Step.PLACED)
    try:
        unlink_exactly(source, expected, token=token, steps=steps)
    except (OSError, Refused):
        # The original is still there, so the copy must go.
        unlink_exactly(target, copied, token=token, steps=steps)
        raise


def _copy_whole(original: int, status: os.stat_result, part: At) -> Identity:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        copy = os.open(part.name, flags, 0o600, dir_fd=part.folder)
    except FileExistsError as error:
        # Not FileExistsError: a caller would think the target taken and try the next name for ever.
        raise Refused(f"another file has our temporary name {os.fsdecode(part.name)}") from error
    try:
        hasher = blake3()
        os.lseek(original, 0, os.SEEK_SET)
        while chunk := os.read(original, CHUNK_BYTES):
            hasher.update(chunk)
            write_all(copy, chunk)
        _copy_attributes(original, status, copy)
        sync_file(copy)
        if digest_descriptor(copy) != hasher.digest():
            raise OSError(errno.EIO, "the copy does not read back as it was written")  # noqa: TRY301 - one way out
        return Identity.of(os.fstat(copy))
    except OSError:
        discard_made(part, Identity.of(os.fstat(copy)))
        raise
    finally:
        os.close(copy)


def _copy_attributes(original: int, status: os.stat_result, copy: int) -> None:
    """Leave out what the target filesystem cannot store: a file without its tags is better than no file."""
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
