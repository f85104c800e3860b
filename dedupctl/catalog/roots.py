"""Roots: the watched directories."""

from __future__ import annotations

from sqlalchemy import Connection, LargeBinary, Row, cast, delete, func, insert, literal, select, update

from dedupctl.catalog.schema import actions, files, journal, protected_paths, roots
from dedupctl.domain import Root


class Roots:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Root]:
        return [_root(row) for row in self._connection.execute(select(roots).order_by(roots.c.path))]

    def at(self, path: bytes) -> Root | None:
        row = self._connection.execute(select(roots).where(roots.c.path == path)).one_or_none()
        return None if row is None else _root(row)

    def add(self, path: bytes, device: int, marker: str | None, *, reference: bool = False) -> Root:
        values = {"path": path, "device": device, "marker": marker, "reference": reference}
        root_id = self._connection.execute(insert(roots).values(**values).returning(roots.c.id)).scalar_one()
        return Root(root_id, path, device, marker, reference)

    def set_device(self, root: Root, device: int) -> None:
        """Record that a root, known by its marker, has a new device number, as removable and network disks often do.

        Its files get the new number too. They are the same files, so the library need not be read again.
        """
        self._connection.execute(update(roots).where(roots.c.id == root.id).values(device=device))
        same_disk = (files.c.root_id == root.id) & (files.c.device == root.device)
        self._connection.execute(update(files).where(same_disk).values(device=device))

    def set_marker(self, root_id: int, marker: str | None) -> None:
        """Change the marker of a root, because another root turned out to have the same one."""
        self._connection.execute(update(roots).where(roots.c.id == root_id).values(marker=marker))

    def move(self, root: Root, path: bytes, device: int, marker: str | None) -> None:
        """Move a root to another path, with everything that refers to its paths: protections, plans, the journal."""
        old, new = root.path, path
        here = {"path": path, "device": device, "marker": marker}
        self._connection.execute(update(roots).where(roots.c.id == root.id).values(**here))
        # A file that is not found there is missing, and not on a disk that is not mounted.
        self._connection.execute(update(files).where(files.c.root_id == root.id).values(device=device))
        for column in (actions.c.victim_root, actions.c.keeper_root):
            self._connection.execute(update(actions).where(column == old).values({column.name: new}))
        prefix = old.rstrip(b"/") + b"/"
        for column in (protected_paths.c.path, journal.c.source, journal.c.target):
            rest = func.substr(column, len(prefix) + 1)
            moved = cast(literal(new.rstrip(b"/") + b"/", LargeBinary).concat(rest), LargeBinary)
            change = update(column.table).prefix_with("OR REPLACE")
            self._connection.execute(change.where(column == old).values({column.name: new}))
            lies_below = func.substr(column, 1, len(prefix)) == prefix
            self._connection.execute(change.where(lies_below).values({column.name: moved}))

    def set_reference(self, root_id: int, reference: bool) -> None:
        self._connection.execute(update(roots).where(roots.c.id == root_id).values(reference=reference))

    def remove(self, root_id: int) -> None:
        """Forget the root and its Files. Contents and verdicts stay, so adding the root again costs little."""
        self._connection.execute(delete(roots).where(roots.c.id == root_id))


def _root(row: Row[tuple[int, bytes, int, str | None, bool]]) -> Root:
    return Root(row.id, row.path, row.device, row.marker, row.reference)
