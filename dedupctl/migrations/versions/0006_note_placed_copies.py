"""Store the identity of a copy on another filesystem before it gets its name, so that recovery can prove it is ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "placed_copies",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id"),
    )
