"""Roots: the watched directories."""

from __future__ import annotations

from sqlalchemy import Connection, Row, delete, insert, select, update

from dedupctl.catalog.schema import files, roots
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

    def set_reference(self, root_id: int, reference: bool) -> None:
        self._connection.execute(update(roots).where(roots.c.id == root_id).values(reference=reference))

    def remove(self, root_id: int) -> None:
        """Forget the root and its Files. Contents and verdicts stay, so adding the root again costs little."""
        self._connection.execute(delete(roots).where(roots.c.id == root_id))


def _root(row: Row[tuple[int, bytes, int, str | None, bool]]) -> Root:
    return Root(row.id, row.path, row.device, row.marker, row.reference)
