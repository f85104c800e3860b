"""Read victim and keeper again just before anything is done: are they still what the plan saw?

Files that share a keeper are read side by side with it, so that the keeper is read only once. `exact` files are
compared byte for byte. For the others, both content hashes must be those that the proof was made on.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from blake3 import blake3

from dedupctl.disk.folders import At, OpenFolders, standing_at
from dedupctl.disk.moves import CHUNK_BYTES, digest_descriptor, same_file
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.domain import Action, Identity, PairKind, Seen

SIDE_BY_SIDE = 64
"""How many victims of one keeper are open at the same time."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Victim and keeper as they were when their bytes were read, a moment ago.

    Where a file is to be written, the keeper is the one whose words it will hold, and the victim is not there yet.
    """

    victim: Identity
    keeper: Identity | None


def check_actions(actions: Sequence[Action]) -> dict[int, Checked | Refused]:
    """The result for each action id: what was seen, or why the victim must be left alone."""
    by_keeper: defaultdict[Seen | None, list[Action]] = defaultdict(list)
    writing = [action for action in actions if not action.verb.removes]
    for action in actions:
        if action.verb.removes:
            by_keeper[action.keeper].append(action)
    results: dict[int, Checked | Refused] = {}
    with closing(OpenFolders()) as folders:
        results |= {action.id: _check_source(action, folders) for action in writing}
        for keeper, victims in by_keeper.items():
            for start in range(0, len(victims), SIDE_BY_SIDE):
                part = victims[start : start + SIDE_BY_SIDE]
                results |= _check_alone(part, folders) if keeper is None else _check_beside(keeper, part, folders)
    return results


def require_still(status: os.stat_result, checked: Identity) -> None:
    """Check once more a file whose bytes were read a moment ago.

    Raises:
        Refused: another file is there, or it was written to.
    """
    found = Identity.of(status)
    # Moving any hard link of a file changes its ctime, even if we move it ourselves.
    steady = same_file(found, checked) if status.st_nlink > 1 else found == checked
    if not steady:
        raise Refused("it changed a moment ago")


def digest_of(seen_root: bytes, path: bytes) -> tuple[bytes, Identity]:
    """The content hash and identity of the regular file at `path` below the root, reached without following symlinks.

    Raises:
        Refused: it is not a regular file, or it changed while it was read.
        OSError: it is missing or unreadable.
    """
    with standing_at(seen_root, path) as at, _opened(at) as (descriptor, identity):
        digest = digest_descriptor(descriptor)
        _require_unchanged(descriptor, identity)
        return digest, identity


def is_still_there(seen: Seen, *, other_than: Collection[tuple[int, int]] = ()) -> bool:
    """Whether a readable file with exactly this content is at this place, and is none of these (device, inode)."""
    try:
        digest, identity = digest_of(seen.root, seen.path)
    except (OSError, Refused):
        return False
    return digest == seen.digest and identity[:2] not in other_than


def _check_alone(victims: Sequence[Action], folders: OpenFolders) -> dict[int, Checked | Refused]:
    results: dict[int, Checked | Refused] = {}
    for action in victims:
        try:
            with _opened_as_planned(action.victim, folders) as (descriptor, identity):
                _require_same(digest_descriptor(descriptor), action.victim.digest)
                _require_unchanged(descriptor, identity)
                results[action.id] = Checked(identity, None)
        except (OSError, Refused) as error:
            results[action.id] = Refused(reason_of(error))
    return results


def _check_source(action: Action, folders: OpenFolders) -> Checked | Refused:
    """Of the file whose words are to be written down."""
    assert action.keeper is not None, "words of no file"
    try:
        with _opened_as_planned(action.keeper, folders) as (descriptor, identity):
            _require_same(digest_descriptor(descriptor), action.keeper.digest)
            _require_unchanged(descriptor, identity)
            return Checked(action.victim.identity, identity)
    except (OSError, Refused) as error:
        return Refused(reason_of(error))


def _check_beside(keeper: Seen, victims: Sequence[Action], folders: OpenFolders) -> dict[int, Checked | Refused]:
    try:
        return _read_side_by_side(keeper, victims, folders)
    except (OSError, Refused) as error:
        refusal = Refused(f"the kept copy {os.fsdecode(keeper.absolute)}: {reason_of(error)}")
        return dict.fromkeys((action.id for action in victims), refusal)


def _read_side_by_side(keeper: Seen, victims: Sequence[Action], folders: OpenFolders) -> dict[int, Checked | Refused]:
    """Raises if something is wrong with the keeper. What is wrong with one victim becomes its result."""
    results: dict[int, Checked | Refused] = {}
    with ExitStack() as stack:
        kept, kept_identity = stack.enter_context(_opened(folders.at(keeper.root, keeper.path)))
        opened: dict[int, tuple[int, Identity]] = {}
        for action in victims:
            try:
                opened[action.id] = stack.enter_context(_opened_as_planned(action.victim, folders))
                _require_another_file(opened[action.id][1], kept_identity)
            except (OSError, Refused) as error:
                results[action.id] = Refused(reason_of(error))
        pending = [action for action in victims if action.id not in results]
        exact = {
            action.id: opened[action.id][0]
            for action in pending
            if action.kind is PairKind.EXACT and opened[action.id][1].size == kept_identity.size
        }
        digest, equal = _compare(kept, kept_identity.size, exact)
        _require_same(digest, keeper.digest)
        _require_unchanged(kept, kept_identity)
        for action in pending:
            descriptor, identity = opened[action.id]
            try:
                _require_content(action, descriptor, equal)
                _require_unchanged(descriptor, identity)
                results[action.id] = Checked(identity, kept_identity)
            except (OSError, Refused) as error:
                results[action.id] = Refused(reason_of(error))
    return results


def _compare(kept: int, size: int, others: dict[int, int]) -> tuple[bytes, set[int]]:
    """The digest of the kept file's `size` bytes, and which of the others, all of that size, hold the same bytes."""
    hasher = blake3()
    equal = dict(others)
    while size > 0 and (chunk := _read(kept, min(size, CHUNK_BYTES))):
        hasher.update(chunk)
        equal = {key: other for key, other in equal.items() if _reads_same(other, chunk)}
        size -= len(chunk)
    return hasher.digest(), set(equal)


def _reads_same(descriptor: int, chunk: bytes) -> bool:
    try:
        return _read(descriptor, len(chunk)) == chunk
    except OSError:
        return False


def _read(descriptor: int, count: int) -> bytes:
    """Exactly `count` bytes, so that two files stay in step; fewer only at the end of the file."""
    data = os.read(descriptor, count)
    while len(data) < count and (more := os.read(descriptor, count - len(data))):
        data += more
    return data


@contextmanager
def _opened(at: At) -> Iterator[tuple[int, Identity]]:
    descriptor = at.open()
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        yield descriptor, Identity.of(status)
    finally:
        os.close(descriptor)


@contextmanager
def _opened_as_planned(seen: Seen, folders: OpenFolders) -> Iterator[tuple[int, Identity]]:
    with _opened(folders.at(seen.root, seen.path)) as (descriptor, identity):
        if not same_file(identity, seen.identity):
            raise Refused("it has changed since the plan was made")
        yield descriptor, identity


def _require_another_file(victim: Identity, keeper: Identity) -> None:
    if victim[:2] == keeper[:2]:
        raise Refused("it is the kept copy itself under another name")


def _require_content(action: Action, descriptor: int, equal: set[int]) -> None:
    if action.kind is not PairKind.EXACT:
        _require_same(digest_descriptor(descriptor), action.victim.digest)
    elif action.id not in equal:
        raise Refused("it does not hold the same bytes as the kept copy any more")


def _require_same(digest: bytes, planned: bytes) -> None:
    if digest != planned:
        raise Refused("it has changed since the plan was made")


def _require_unchanged(descriptor: int, before: Identity) -> None:
    if Identity.of(os.fstat(descriptor)) != before:
        raise Refused("it changed while it was read")
