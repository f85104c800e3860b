"""Alembic's entry point: runs the migrations on the connection and in the transaction that the catalog passes in."""

from __future__ import annotations

from alembic import context

from dedupctl.catalog.schema import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
    context.run_migrations()


run()
