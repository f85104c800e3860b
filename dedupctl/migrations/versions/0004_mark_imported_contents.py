"""Mark the contents known only from an import: what a file of encodings says is a claim that nobody has checked."""

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
    # Until now they could not be told apart. A content without a file was imported, or its root was removed. In either
    # case it costs one read to be sure, and only if it turns out to be a copy of something.
    op.execute(
        "INSERT INTO imported_contents (content_id) SELECT id FROM contents"
        " WHERE id NOT IN (SELECT content_id FROM files WHERE content_id IS NOT NULL)"
    )
