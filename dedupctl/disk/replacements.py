"""What is put in a removed file's place: a link to the kept file, a clone of it, a text.

It is made under a temporary name before the file moves, so that whatever cannot be made costs nothing. Its mark goes
into the journal, so that a restore takes away what dedupctl put there and never what a person put there since.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from blake3 import blake3

from dedupctl.disk.durable import sync_file, write_all
from dedupctl.disk.folders import At, standing_at
from dedupctl.disk.moves import discard_made
from dedupctl.disk.ownership import holds
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Identity, Seen

_FICLONE = 0x40049409
"""`ioctl_ficlone(2)`: share the blocks of another file; btrfs, XFS, bcachefs."""
_LINK, _CONTENT = b"link:", b"content:"
_ACCESS_LIST = "system.posix_acl_access"


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link to the kept file."""

    kept: Seen

    @property
    def mark(self) -> bytes:
        return _LINK + self.kept.absolute

    def make(self, part: At) -> None:
        os.symlink(self.kept.absolute, part.name, dir_fd=part.folder)


@dataclass(frozen=True, slots=True)
class HardLink:
    """One more name of the kept file."""

    kept: Seen
    replaced: Seen

    @property
    def mark(self) -> bytes:
        return _CONTENT + self.kept.digest

    def make(self, part: At) -> None:
        with standing_at(self.kept.root, self.kept.path) as kept:
            _require_same_access(kept, self.replaced)
            os.link(kept.name, part.name, src_dir_fd=kept.folder, dst_dir_fd=part.folder, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Clone:
    """The kept file's blocks, with the times of the file it replaces."""

    kept: Seen
    replaced: Seen

    @property
    def mark(self) -> bytes:
        return _CONTENT + self.kept.digest

    def make(self, part: At) -> None:
        with standing_at(self.kept.root, self.kept.path) as kept:
            _require_same_access(kept, self.replaced)
            source = kept.open()
        try:
            _write_part(part, self.replaced, lambda copy: _share_blocks(copy, source), keeps_times=True)
        finally:
            os.close(source)


@dataclass(frozen=True, slots=True)
class Text:
    """These bytes, with the mode of the file they replace, or come from."""

    data: bytes
    like: Seen

    @property
    def mark(self) -> bytes:
        return _CONTENT + blake3(self.data).digest()

    def make(self, part: At) -> None:
        _write_part(part, self.like, lambda copy: write_all(copy, self.data), keeps_times=False)


Replacement: TypeAlias = Symlink | HardLink | Clone | Text
"""What is to stand in a removed file's place. `mark` is how the journal remembers it; `make` makes it under a temporary
name, and raises Refused or OSError where it cannot, with nothing left behind."""


def is_replacement(at: At, mark: bytes) -> bool:
    """What stands there is just what dedupctl put there."""
    if not mark.startswith(_LINK):
        return holds(at, mark.removeprefix(_CONTENT))
    try:
        return os.readlink(at.name, dir_fd=at.folder) == mark.removeprefix(_LINK)
    except OSError:
        return False


class _Access(NamedTuple):
    owner: int
    group: int
    mode: int
    access_list: bytes | None

    @classmethod
    def of(cls, at: At) -> _Access:
        descriptor = at.open()
        try:
            status = os.fstat(descriptor)
            access_list = None
            with suppress(OSError, AttributeError):  # no list, or a system without extended attributes
                access_list = os.getxattr(descriptor, _ACCESS_LIST)
        finally:
            os.close(descriptor)
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), access_list)


def _require_same_access(kept: At, replaced: Seen) -> None:
    """A name that leads to another's file would change who may read and write what stands there.

    Raises:
        Refused: owner, group, mode or access list differ.
    """
    with standing_at(replaced.root, replaced.path) as at:
        mine, other = _Access.of(at), _Access.of(kept)
    if mine[:2] != other[:2]:
        raise Refused("it belongs to another owner or group than the kept copy, and a link would take over that one's")
    if mine != other:
        raise Refused("it has other permissions than the kept copy, and a link would take over that one's")


def _share_blocks(copy: int, source: int) -> None:
    import fcntl  # on Windows there is none, and `acting` refuses before anything comes here

    try:
        fcntl.ioctl(copy, _FICLONE, source)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV):
            raise OSError(error.errno, "this filesystem cannot share blocks between files") from error
        raise


def _write_part(part: At, replaced: Seen, write: Callable[[int], None], *, keeps_times: bool) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    copy = os.open(part.name, flags, 0o600, dir_fd=part.folder)
    try:
        write(copy)
        with standing_at(replaced.root, replaced.path) as at:
            status = at.status()
        os.fchmod(copy, stat.S_IMODE(status.st_mode))
        if keeps_times:
            os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        sync_file(copy)
    except OSError:
        discard_made(part, Identity.of(os.fstat(copy)))
        raise
    finally:
        os.close(copy)
