"""What is put in a removed file's place: a link to the keeper, a clone of it, a merged sidecar.

It is made under a temporary name before the file moves, so that whatever cannot be made costs nothing. The journal says
what it is, so that a restore takes away our own and never what a person put there since.
"""

from __future__ import annotations

import errno
import os
import stat

from blake3 import blake3

from dedupctl.disk.folders import At, standing_at
from dedupctl.disk.moves import digest_descriptor, discard, write_all
from dedupctl.disk.reading import Reader
from dedupctl.domain import Action, Seen, Verb
from dedupctl.policy.merging import merged_as_planned

_FICLONE = 0x40049409
"""`ioctl_ficlone(2)`: share the blocks of another file; btrfs, XFS, bcachefs."""
_LINK, _CONTENT = b"link:", b"content:"


def stand_in_of(action: Action) -> bytes | None:
    """What will stand in the place of the action's victim, as the journal remembers it; None for nothing.

    Raises:
        Refused, OSError: it cannot be made.
    """
    if action.verb is Verb.MERGE:
        return _CONTENT + blake3(_merged(action)).digest()
    if not action.verb.leaves_link:
        return None
    assert action.keeper is not None
    return _LINK + action.keeper.absolute if action.verb is Verb.SYMLINK else _CONTENT + action.keeper.digest


def prepare(action: Action, part: At) -> bool:
    """Make the stand-in under the temporary name; False if there is none to make.

    Raises:
        Refused, OSError: it cannot be made; nothing is left.
    """
    if action.verb is not Verb.MERGE and not action.verb.leaves_link:
        return False
    discard(part)
    try:
        _make(action, part)
    except OSError:
        discard(part)
        raise
    return True


def is_stand_in(at: At, stand_in: bytes) -> bool:
    """What stands there is just what dedupctl put there."""
    try:
        if stand_in.startswith(_LINK):
            return os.readlink(at.name, dir_fd=at.folder) == stand_in.removeprefix(_LINK)
        descriptor = at.open()
    except OSError:
        return False
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return regular and _CONTENT + digest_descriptor(descriptor) == stand_in
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _make(action: Action, part: At) -> None:
    keeper = action.keeper
    assert keeper is not None
    if action.verb is Verb.SYMLINK:
        os.symlink(keeper.absolute, part.name, dir_fd=part.folder)
    elif action.verb is Verb.HARDLINK:
        with standing_at(keeper.root, keeper.path) as kept:
            os.link(kept.name, part.name, src_dir_fd=kept.folder, dst_dir_fd=part.folder, follow_symlinks=False)
    elif action.verb is Verb.REFLINK:
        _clone(keeper, action.victim, part)
    else:
        _write(_merged(action), action.victim, part)


def _clone(keeper: Seen, like: Seen, part: At) -> None:
    """The keeper's blocks with the mode and times of the file it stands for."""
    with standing_at(keeper.root, keeper.path) as kept:
        source = kept.open()
    try:
        copy = _created(part)
        try:
            import fcntl  # on Windows there is none, and `acting` refuses before anything comes here

            try:
                fcntl.ioctl(copy, _FICLONE, source)
            except OSError as error:
                if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV):
                    raise OSError(error.errno, "this filesystem cannot share blocks between files") from error
                raise
            _dress(copy, like)
        finally:
            os.close(copy)
    finally:
        os.close(source)


def _write(data: bytes, like: Seen, part: At) -> None:
    copy = _created(part)
    try:
        write_all(copy, data)
        with standing_at(like.root, like.path) as at:
            os.fchmod(copy, stat.S_IMODE(at.status().st_mode))
        os.fsync(copy)
    finally:
        os.close(copy)


def _dress(copy: int, like: Seen) -> None:
    with standing_at(like.root, like.path) as at:
        status = at.status()
    os.fchmod(copy, stat.S_IMODE(status.st_mode))
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.fsync(copy)


def _created(part: At) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(part.name, flags, 0o600, dir_fd=part.folder)


def _merged(action: Action) -> bytes:
    """The kept sidecar (the action's victim: it is replaced) with the words of the removed file (its "keeper")."""
    assert action.keeper is not None
    return merged_as_planned(Reader(), action.victim, action.keeper)
