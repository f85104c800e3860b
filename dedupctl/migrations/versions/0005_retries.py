"""Store which files may become readable later, and when they are tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "retries",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("ctime_ns", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id"),
    )
    # Files that failed for a reason that may pass were never tried again; now the next scan tries them.
    op.execute(
        "INSERT INTO retries (file_id, ctime_ns, failures, due_at) SELECT id, ctime_ns, 0, 0 FROM files"
        " WHERE state = 'error' AND error_code IN ('crash', 'timeout', 'memory', 'io')"
    )
