"""Store the position of each picture on the map, and which pictures the last report showed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "map_points",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["model_id"], ["embedding_models.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("model_id", "content_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("map_points_by_content", "map_points", ["content_id"], unique=False)
    op.create_table(
        "reported_contents",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("cluster_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("content_id"),
    )
