"""The front of the catalog: open it, then read or write in transactions that name their tables."""

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
from dedupctl.catalog.imported import Imported
from dedupctl.catalog.journal import Journal
from dedupctl.catalog.legible import legible
from dedupctl.catalog.map_points import MapPoints
from dedupctl.catalog.migrate import bring_up_to_date
from dedupctl.catalog.pairs import Pairs
from dedupctl.catalog.plans import Plans, Protected
from dedupctl.catalog.reported import Reported
from dedupctl.catalog.retries import Retries
from dedupctl.catalog.roots import Roots
from dedupctl.catalog.row_faults import RowFault, RowFaults
from dedupctl.catalog.runs import Runs
from dedupctl.catalog.unreadable_folders import UnreadableFolders
from dedupctl.catalog.verdicts import Verdicts
from dedupctl.modes import make_file

CATALOG_NAME = "catalog.db"


class Transaction:
    """One open transaction; each attribute is one table's verbs."""

    def __init__(self, connection: Connection) -> None:
        self.meta = Meta(connection)
        self.roots = Roots(connection)
        self.files = Files(connection)
        self.retries = Retries(connection)
        self.contents = Contents(connection)
        self.imported = Imported(connection)
        self.embeddings = Embeddings(connection)
        self.pairs = Pairs(connection)
        self.verdicts = Verdicts(connection)
        self.runs = Runs(connection)
        self.map_points = MapPoints(connection)
        self.plans = Plans(connection)
        self.journal = Journal(connection)
        self.protected = Protected(connection)
        self.reported = Reported(connection)
        self.unreadable_folders = UnreadableFolders(self.meta)


DAEMON_STATE = "daemon"
"""Where in the meta table a daemon says how it is, as JSON; `status` and the dashboard read it."""
DAEMON_PAUSED = "daemon_paused"
"""Since when a person wants the daemon to rest, in seconds since 1970; null or missing: not at all."""
DAEMON_OUTAGE = "daemon_outage"
"""When a daemon last had to wait for the stores, and why; null if never."""


class Meta:
    """A few facts about the catalog itself, by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        query = select(schema.meta.c.value).where(schema.meta.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def document(self, key: str) -> Any:
        """What was put there as JSON; None if nothing was.

        Raises:
            StoreDamaged: it is no JSON.
        """
        text = self.get(key)
        return None if text is None else _from_json(text)

    def put(self, key: str, value: str) -> None:
        row = insert(schema.meta).values(key=key, value=value)
        self._connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


@legible("meta")
def _from_json(text: str) -> Any:
    return json.loads(text)


class Catalog:
    """One SQLite file, brought to this version's schema when opened."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = self._own_id()

    @classmethod
    def open(cls, path: Path, beat: Beat | None = None) -> Catalog:
        """Open or create the catalog at `path`, migrating it if it is older (a backup is laid beside it first).

        `beat` is called again and again while that, or any later statement, takes long.

        Raises:
            StoreNewer: a newer dedupctl wrote it.
            StoreDamaged: it is not a whole SQLite database.
            StoreUnavailable: it cannot be used now: no permission, disk full, locked for too long. So do all
                transactions.
            Interrupted: `beat` raised it; the catalog is as it was before the transaction. So do all transactions.
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
        """A consistent copy, also while others write; cut short, it does not bear the name."""
        self._database.backup(target)

    def integrity(self) -> list[str]:
        """What is wrong with the file itself, a line each; empty when whole."""
        return self._database.integrity()

    def row_faults(self) -> list[RowFault]:
        """Rows that cannot be read."""
        with self._database.read() as connection:
            return RowFaults(connection).found()

    def mend_rows(self) -> None:
        """Drop what cannot be read and can be told again. The caller holds the workspace's lock."""
        with self._database.write(durable=True) as connection:
            RowFaults(connection).mend()

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _own_id(self) -> str:
        """A random id that ties vector snapshots to this very catalog: another one must not load them."""
        with self.read() as tx:
            known = tx.meta.get(schema.CATALOG_ID)
        if known is not None:
            return known
        with self.write() as tx:
            known = tx.meta.get(schema.CATALOG_ID) or uuid.uuid4().hex
            tx.meta.put(schema.CATALOG_ID, known)
        return known
