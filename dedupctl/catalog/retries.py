"""Retries: files that could not be read for a reason that may pass, and when they are tried again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.files import Sighting
from dedupctl.catalog.schema import files, retries
from dedupctl.domain import Unreadable
from dedupctl.paths import split

MINUTE, HOUR, DAY = 60, 3600, 86_400
PAUSES = (10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY)
"""Seconds until the next try after the first, second, ... failure. A file that fails again after the last one fails
reproducibly: the file itself is the cause, and it is not tried again before it changes."""


class Retries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, sightings: Sequence[Sighting], at: int) -> None:
        """Count the failures among these sightings, which have just been recorded, and forget files that were read."""
        failed = [one for one in sightings if isinstance(one.outcome, Unreadable) and one.outcome.may_pass]
        if not failed and not self.count():
            return
        for sighting in sightings:
            file_id = self._file_id(sighting)
            if not (isinstance(sighting.outcome, Unreadable) and sighting.outcome.may_pass):
                self._connection.execute(delete(retries).where(retries.c.file_id == file_id))
                continue
            failures = self._failures(file_id, sighting.identity.ctime_ns) + 1
            row = {
                "ctime_ns": sighting.identity.ctime_ns,
                "failures": failures,
                "due_at": at + PAUSES[failures - 1] if failures <= len(PAUSES) else None,
            }
            put = insert(retries).values(file_id=file_id, **row)
            self._connection.execute(put.on_conflict_do_update(index_elements=["file_id"], set_=row))

    def due(self, root_id: int, at: int) -> set[int]:
        """Ids of the files of a root that are due to be tried again."""
        query = select(files.c.id).join(retries).where(files.c.root_id == root_id, retries.c.due_at <= at)
        return set(self._connection.execute(query).scalars())

    def count(self) -> int:
        """The number of files that failed for a reason that may pass."""
        return int(self._connection.execute(select(func.count()).select_from(retries)).scalar_one())

    def _file_id(self, sighting: Sighting) -> int:
        folder, name = split(sighting.path)
        query = select(files.c.id).where(
            files.c.root_id == sighting.root_id, files.c.folder == folder, files.c.name == name
        )
        return int(self._connection.execute(query).scalar_one())

    def _failures(self, file_id: int, ctime_ns: int) -> int:
        """How many times in a row the file has failed in its present state."""
        query = select(retries.c.failures).where(retries.c.file_id == file_id, retries.c.ctime_ns == ctime_ns)
        return int(self._connection.execute(query).scalar_one_or_none() or 0)
