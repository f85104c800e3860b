"""The entry point of the catalog: open it, then read and write in transactions with one attribute per table."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog import schema
from dedupctl.catalog.contents import Contents
from dedupctl.catalog.embeddings import Embeddings
from dedupctl.catalog.engine import Beat, Database
from dedupctl.catalog.files import Files
from dedupctl.catalog.imported_contents import ImportedContents
from dedupctl.catalog.journal import Journal
from dedupctl.catalog.map_points import MapPoints
from dedupctl.catalog.migrate import bring_up_to_date
from dedupctl.catalog.pairs import Pairs
from dedupctl.catalog.plans import Plans
from dedupctl.catalog.protected_paths import ProtectedPaths
from dedupctl.catalog.reported_contents import ReportedContents
from dedupctl.catalog.retries import Retries
from dedupctl.catalog.roots import Roots
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.row_faults import RowFault, RowFaults
from dedupctl.catalog.runs import Runs
from dedupctl.catalog.unreadable_folders import UnreadableFolders
from dedupctl.catalog.verdicts import Verdicts
from dedupctl.modes import make_file

CATALOG_NAME = "catalog.db"


class Transaction:
    """One open transaction; each attribute has the operations on one table."""

    def __init__(self, connection: Connection) -> None:
        self.meta = Meta(connection)
        self.roots = Roots(connection)
        self.files = Files(connection)
        self.retries = Retries(connection)
        self.contents = Contents(connection)
        self.imported = ImportedContents(connection)
        self.embeddings = Embeddings(connection)
        self.pairs = Pairs(connection)
        self.verdicts = Verdicts(connection)
        self.runs = Runs(connection)
        self.map_points = MapPoints(connection)
        self.plans = Plans(connection)
        self.journal = Journal(connection)
        self.protected = ProtectedPaths(connection)
        self.reported_contents = ReportedContents(connection)
        self.unreadable_folders = UnreadableFolders(self.meta)


DAEMON_STATE = "daemon"
"""The key in the meta table under which a daemon stores its state as JSON, for `status` and the dashboard."""
DAEMON_PAUSED = "daemon_paused"
"""The key for the time at which a person paused the daemon, in seconds since 1970; null or missing if it runs."""
DAEMON_OUTAGE = "daemon_outage"
"""The key for when a daemon last had to wait for the stores, and why; null if never."""


class Meta:
    """A few facts about the catalog itself, by key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        query = select(schema.meta.c.value).where(schema.meta.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def document(self, key: str) -> Any:
        """The JSON document stored under this key, decoded; None if there is none.

        Raises:
            StoreDamaged: it is not valid JSON.
        """
        text = self.get(key)
        return None if text is None else _from_json(text)

    def put(self, key: str, value: str) -> None:
        row = insert(schema.meta).values(key=key, value=value)
        self._connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


@decodes_rows_of("meta")
def _from_json(text: str) -> Any:
    return json.loads(text)


class Catalog:
    """One SQLite file, migrated to this version's schema when it is opened."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = self._own_id()

    @classmethod
    def open(cls, path: Path, beat: Beat | None = None) -> Catalog:
        """Open or create the catalog at `path`; an older one is migrated after a backup was saved beside it.

        `beat` is called repeatedly while opening, or any later statement, takes long.

        Raises:
            StoreNewer: a newer dedupctl wrote it.
            StoreDamaged: it is not an intact SQLite database.
            StoreUnavailable: it cannot be used now: no permission, disk full, locked for too long. Every transaction
                can raise this too.
            Interrupted: `beat` raised it; the transaction was rolled back. Every transaction can raise this too.
        """
        make_file(path)
        database = Database(path, beat)
        try:
            bring_up_to_date(database)
            return cls(database)
        except BaseException:
            database.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._database.read() as connection:
            yield Transaction(connection)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Transaction]:
        with self._database.write(durable=durable) as connection:
            yield Transaction(connection)

    @property
    def path(self) -> Path:
        return self._database.path

    def copy_to(self, target: Path) -> None:
        """Copy the catalog consistently, even while others write. An incomplete copy never gets the name."""
        self._database.backup(target)

    def integrity(self) -> list[str]:
        """The faults of the file itself, one line each; empty if there are none."""
        return self._database.integrity()

    def row_faults(self) -> list[RowFault]:
        """Rows that cannot be read."""
        with self._database.read() as connection:
            return RowFaults(connection).found()

    def mend_rows(self) -> None:
        """Drop the rows that cannot be read but can be recreated. The caller holds the workspace's lock."""
        with self._database.write(durable=True) as connection:
            RowFaults(connection).mend()

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _own_id(self) -> str:
        """A random id that ties snapshots of the vector index to this catalog: no other catalog may load them."""
        with self.read() as tx:
            known = tx.meta.get(schema.CATALOG_ID)
        if known is not None:
            return known
        with self.write() as tx:
            known = tx.meta.get(schema.CATALOG_ID) or uuid.uuid4().hex
            tx.meta.put(schema.CATALOG_ID, known)
        return known
