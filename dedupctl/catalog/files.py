"""Files: every path as last seen. A path is stored as (folder, name), so that a walk can query one folder at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import files, roots
from dedupctl.domain import File, FileState, Identity, Unreadable
from dedupctl.paths import join, split


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was found at one path: the id of the content it holds, or why no picture could be read."""

    root_id: int
    path: bytes
    """Relative to the root."""
    identity: Identity
    outcome: int | Unreadable


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """A File with its absolute path."""

    file: File
    path: bytes


class KnownFile(NamedTuple):
    """A known file as a walk compares it with the disk. Flat, because a scan makes one for each file of a library."""

    name: bytes
    file_id: int
    state: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def identity(self) -> Identity:
        return Identity(self.device, self.inode, self.size, self.mtime_ns, self.ctime_ns)


class Files:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def in_folder(self, root_id: int, folder: bytes) -> dict[bytes, KnownFile]:
        """The known files directly inside `folder` (relative to its root, b"" for the root itself), by name."""
        # Bypasses SQLAlchemy, whose row objects alone would double the time of a scan.
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(_IN_FOLDER, (root_id, folder))
            return {known.name: known for known in map(KnownFile._make, cursor.fetchall())}
        finally:
            cursor.close()

    def folders_under(self, root_id: int, folder: bytes) -> set[bytes]:
        """`folder` and every folder below it that held a file when last seen."""
        below = (files.c.folder >= folder + b"/") & (files.c.folder < folder + b"0")
        inside = (files.c.folder == folder) | below if folder else files.c.folder.is_not(None)
        query = select(files.c.folder).where(files.c.root_id == root_id, files.c.state != FileState.GONE, inside)
        return set(self._connection.execute(query.distinct()).scalars())

    def at(self, root_id: int, path: bytes) -> File | None:
        folder, name = split(path)
        query = _SELECT.where(files.c.root_id == root_id, files.c.folder == folder, files.c.name == name)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _file(row)

    def with_inodes(self, identities: Collection[Identity]) -> dict[Identity, list[LocatedFile]]:
        """For each identity, the known files with the same device, inode, size and mtime, and so with the same bytes.

        A rename changes ctime but none of these, and a modification changes mtime, so a moved library of terabytes
        need not be read again. Code that acts on files verifies digests again.
        """
        by_stamp: dict[tuple[int, ...], list[LocatedFile]] = {identity[:4]: [] for identity in identities}
        for part in chunked({identity.inode for identity in identities}):
            query = LOCATED.where(files.c.inode.in_(part), files.c.content_id.is_not(None))
            for row in self._connection.execute(query):
                found = by_stamp.get((row.device, row.inode, row.size, row.mtime_ns))
                if found is not None:
                    found.append(located_from_row(row))
        return {identity: by_stamp[identity[:4]] for identity in identities}

    def contents_held(self, file_ids: Collection[int]) -> dict[int, int]:
        """The content of each of these files that has one, by file id."""
        found: dict[int, int] = {}
        for part in chunked(file_ids):
            query = select(files.c.id, files.c.content_id).where(files.c.id.in_(part), files.c.content_id.is_not(None))
            found |= {row.id: row.content_id for row in self._connection.execute(query)}
        return found

    def names_of(self, inode: Identity) -> list[LocatedFile]:
        """Every file that was a name of this inode when last seen, whatever its content then."""
        query = LOCATED.where(files.c.inode == inode.inode, files.c.device == inode.device)
        return [located_from_row(row) for row in self._connection.execute(query.where(files.c.state != FileState.GONE))]

    def of_contents(self, content_ids: Collection[int]) -> list[LocatedFile]:
        """Every present file that holds one of these contents."""
        found: list[LocatedFile] = []
        for part in chunked(content_ids):
            query = LOCATED.where(files.c.state == FileState.PRESENT, files.c.content_id.in_(part))
            found += [located_from_row(row) for row in self._connection.execute(query)]
        return found

    def present(self, root_id: int | None = None) -> Iterator[LocatedFile]:
        """Every present file in order of path, streamed."""
        query = LOCATED.where(files.c.state == FileState.PRESENT)
        if root_id is not None:
            query = query.where(files.c.root_id == root_id)
        for row in self._connection.execute(query.order_by(files.c.root_id, files.c.folder, files.c.name)):
            yield located_from_row(row)

    def sample(self, root_id: int, count: int) -> list[LocatedFile]:
        """About `count` present files of a root, spread evenly over all of them."""
        here = (files.c.root_id == root_id, files.c.state == FileState.PRESENT)
        ids = list(self._connection.execute(select(files.c.id).where(*here)).scalars())
        chosen = ids[:: max(1, len(ids) // count)][:count]
        return [located_from_row(row) for row in self._connection.execute(LOCATED.where(files.c.id.in_(chosen)))]

    def shared_contents(self) -> list[int]:
        """Contents held by more than one present file: the exact duplicates."""
        query = (
            select(files.c.content_id)
            .where(files.c.state == FileState.PRESENT)
            .group_by(files.c.content_id)
            .having(func.count() > 1)
        )
        return [int(content_id) for content_id in self._connection.execute(query).scalars() if content_id is not None]

    def record(self, sightings: Sequence[Sighting]) -> None:
        """Store what is at these paths now, replacing any earlier row for the same path."""
        if not sightings:
            return
        row = insert(files)
        changed = {name: row.excluded[name] for name in _REPLACED_COLUMNS}
        upsert = row.on_conflict_do_update(index_elements=["root_id", "folder", "name"], set_=changed)
        self._connection.execute(upsert, [_values(sighting) for sighting in sightings])

    def mark_gone(self, file_ids: Iterable[int], at: int) -> None:
        rows = [{"file": file_id} for file_id in file_ids]
        if rows:
            change = update(files).where(files.c.id == bindparam("file"))
            self._connection.execute(change.values(state=FileState.GONE.value, gone_at=at), rows)

    def identify(self, identities: Mapping[int, Identity]) -> None:
        """Give files with unchanged bytes new identities, because their root was copied or mounted elsewhere."""
        # Bypasses SQLAlchemy: there are as many as the root has files.
        cursor = self._connection.connection.cursor()
        try:
            cursor.executemany(_IDENTIFY, [(*identity, file_id) for file_id, identity in identities.items()])
        finally:
            cursor.close()

    def vanish(self, root_id: int, paths: Iterable[bytes], at: int) -> None:
        """Mark the files at these paths of the root as gone, because dedupctl itself has removed them."""
        # Bypasses SQLAlchemy: there are thousands at a time, and a row must not take longer than moving its file.
        cursor = self._connection.connection.cursor()
        try:
            cursor.executemany(_VANISH, [(at, root_id, *split(path)) for path in paths])
        finally:
            cursor.close()

    def revive(self, file_ids: Iterable[int]) -> None:
        """Give gone files their earlier state again, because they are back with the identity they had."""
        rows = [{"file": file_id} for file_id in file_ids]
        if rows:
            readable = case((files.c.content_id.is_(None), FileState.ERROR.value), else_=FileState.PRESENT.value)
            change = update(files).where(files.c.id == bindparam("file"))
            self._connection.execute(change.values(state=readable, gone_at=None), rows)

    def forget_gone(self, before: int) -> int:
        """Drop the rows of files that have been gone since before this time; returns how many."""
        dropped = delete(files).where(files.c.state == FileState.GONE, files.c.gone_at < before)
        return self._connection.execute(dropped).rowcount

    def errors(self) -> list[tuple[LocatedFile, Unreadable]]:
        query = LOCATED.where(files.c.state == FileState.ERROR).order_by(files.c.root_id, files.c.folder, files.c.name)
        rows = self._connection.execute(query).all()
        return [(located_from_row(row), Unreadable(row.error_code, row.error)) for row in rows]

    def count_errors(self) -> dict[str, int]:
        """The number of files that could not be read, by the code of the reason."""
        query = select(files.c.error_code, func.count()).where(files.c.state == FileState.ERROR)
        return dict(self._connection.execute(query.group_by(files.c.error_code)).all())

    def count_by_device(self, root_id: int) -> dict[int, tuple[int, bytes]]:
        """For each device, how many files of a root are on it, and the first folder (relative to the root) with one."""
        query = select(files.c.device, func.count(), func.min(files.c.folder))
        query = query.where(files.c.root_id == root_id, files.c.state != FileState.GONE).group_by(files.c.device)
        return {device: (count, folder) for device, count, folder in self._connection.execute(query)}

    def count(self, root_id: int | None = None) -> dict[FileState, int]:
        """The number of files in each state."""
        query = select(files.c.state, func.count()).group_by(files.c.state)
        if root_id is not None:
            query = query.where(files.c.root_id == root_id)
        found = {_state(state): count for state, count in self._connection.execute(query)}
        return {state: found.get(state, 0) for state in FileState}

    def total_bytes(self, root_id: int | None = None) -> int:
        """The bytes of all present files; hard links to one inode count once."""
        inodes = select(files.c.device, files.c.inode, files.c.size).where(files.c.state == FileState.PRESENT)
        if root_id is not None:
            inodes = inodes.where(files.c.root_id == root_id)
        query = select(func.coalesce(func.sum(inodes.distinct().subquery().c.size), 0))
        return int(self._connection.execute(query).scalar_one())


_IN_FOLDER = """
SELECT name, id, state, device, inode, size, mtime_ns, ctime_ns FROM files WHERE root_id = ? AND folder = ?
"""
_IDENTIFY = "UPDATE files SET device = ?, inode = ?, size = ?, mtime_ns = ?, ctime_ns = ? WHERE id = ?"
_VANISH = "UPDATE files SET state = 'gone', gone_at = ? WHERE root_id = ? AND folder = ? AND name = ?"
_SELECT: Select[Any] = select(files)
LOCATED: Select[Any] = select(files, roots.c.path.label("root_path")).join(roots)
"""Every file with the path of its root, for `located_from_row`."""
_REPLACED_COLUMNS = (
    *("device", "inode", "size", "mtime_ns", "ctime_ns"),
    *("state", "content_id", "error_code", "error", "gone_at"),
)


def _values(sighting: Sighting) -> dict[str, Any]:
    folder, name = split(sighting.path)
    identity, outcome = sighting.identity, sighting.outcome
    unreadable = outcome if isinstance(outcome, Unreadable) else None
    return {
        "root_id": sighting.root_id,
        "folder": folder,
        "name": name,
        "device": identity.device,
        "inode": identity.inode,
        "size": identity.size,
        "mtime_ns": identity.mtime_ns,
        "ctime_ns": identity.ctime_ns,
        "state": (FileState.ERROR if unreadable else FileState.PRESENT).value,
        "content_id": None if unreadable else outcome,
        "error_code": unreadable.code if unreadable else None,
        "error": unreadable.message if unreadable else None,
        "gone_at": None,
    }


@decodes_rows_of("files")
def _state(text: str) -> FileState:
    return FileState(text)


def _file(row: Row[Any]) -> File:
    return File(
        id=row.id,
        root_id=row.root_id,
        path=join(row.folder, row.name),
        identity=Identity(row.device, row.inode, row.size, row.mtime_ns, row.ctime_ns),
        state=_state(row.state),
        content_id=row.content_id,
        error=None if row.error_code is None else f"{row.error_code}: {row.error}",
    )


def located_from_row(row: Row[Any]) -> LocatedFile:
    """The file in a row of `LOCATED`."""
    file = _file(row)
    return LocatedFile(file, join(row.root_path, file.path))
