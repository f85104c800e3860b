"""Migrate a catalog to this version's schema, after a backup and in one transaction. A newer catalog is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from dedupctl.catalog.engine import Database
from dedupctl.errors import StoreNewer

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"
"""The newest revision in `migrations/versions`; a test checks that both agree. Repeated here so that an up-to-date
catalog opens without importing Alembic, which takes longer than most commands."""


def bring_up_to_date(database: Database) -> None:
    """Create or migrate the schema; do nothing if it is current.

    Raises:
        StoreNewer: the catalog's revision is unknown to this version.
        StoreDamaged: the file is not a SQLite database.
        StoreError: it cannot be backed up or migrated; the catalog is unchanged.
    """
    with database.read() as connection:
        revision = revision_of(connection)
    if revision == HEAD:
        return
    if revision is not None:
        refuse_newer(database.path, revision)
    with database.write(durable=True) as connection:
        revision = revision_of(connection)  # another process may have migrated it meanwhile
        if revision == HEAD:
            return
        if revision is not None:
            database.backup(database.path.with_name(f"{database.path.name}.before-{HEAD}-was-{revision}"))
        upgrade(connection)


def revision_of(connection: Connection) -> str | None:
    """The schema revision of a catalog; None if the file is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to `revision` inside the caller's transaction."""
    from alembic import command

    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def refuse_newer(path: Path, revision: str) -> None:
    """Refuse a catalog whose schema revision this version does not know.

    Raises:
        StoreNewer: the revision is unknown.
    """
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(_alembic_config()).get_revision(revision)
    except CommandError as error:
        raise StoreNewer(
            f"{path} was written by a newer dedupctl (schema {revision}, this version knows up to {HEAD});"
            " install that version or use another --home"
        ) from error


def _alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dedupctl:migrations")
    config.set_main_option("path_separator", "os")
    return config
