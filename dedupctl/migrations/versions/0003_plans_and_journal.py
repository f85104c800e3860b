"""Store plans, their actions, the journal of what was done, and the protected paths."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "protected_paths",
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.Integer(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("victim_root", sa.LargeBinary(), nullable=False),
        sa.Column("victim_path", sa.LargeBinary(), nullable=False),
        sa.Column("victim_identity", sa.Text(), nullable=False),
        sa.Column("victim_digest", sa.LargeBinary(), nullable=False),
        sa.Column("keeper_root", sa.LargeBinary(), nullable=True),
        sa.Column("keeper_path", sa.LargeBinary(), nullable=True),
        sa.Column("keeper_identity", sa.Text(), nullable=True),
        sa.Column("keeper_digest", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("actions_by_plan", "actions", ["plan_id", "bundle"], unique=False)
    op.create_index("actions_by_keeper", "actions", ["keeper_digest"], unique=False)
    op.create_index("actions_by_victim", "actions", ["victim_root", "victim_path"], unique=False)
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("target", sa.LargeBinary(), nullable=True),
        sa.Column("stand_in", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.Integer(), nullable=True),
        sa.Column("resting", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_by_action", "journal", ["action_id"], unique=False)
    op.create_index("journal_open", "journal", ["id"], unique=False, sqlite_where=sa.text("state = 'intended'"))
    op.create_index("journal_resting", "journal", ["target"], unique=False, sqlite_where=sa.text("resting"))
