"""Mark the contents that are known by an import only: what a file of encodings says is a claim, not something seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "imported_contents",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("content_id"),
        sqlite_with_rowid=False,
    )
    # Until now nothing told them apart. A content that never had a file was imported, or its root was removed: either
    # way it costs one reading to be sure, and only if it comes to be somebody's copy.
    op.execute(
        "INSERT INTO imported_contents (content_id) SELECT id FROM contents"
        " WHERE id NOT IN (SELECT content_id FROM files WHERE content_id IS NOT NULL)"
    )
