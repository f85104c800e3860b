"""The tables. `migrations/` builds them step by step; a test checks that both agree.

Ids that are stored outside this database (contents, embeddings) are AUTOINCREMENT. Otherwise SQLite would give a
deleted row's id to the next row. An embedding's id is its label in the vector index, where a reused label would revive
the deleted vector.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class SurrogateEscapedText(TypeDecorator[str]):
    """Text that may quote a file name. SQLite accepts only UTF-8 as text, but a file name may be any bytes.

    A reason that could not be stored would abort an apply halfway, with the files of a batch already moved.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | bytes | None:
        if value is None or value.isascii():
            return value
        raw = value.encode("utf-8", "surrogateescape")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw

    def process_result_value(self, value: str | bytes | None, _dialect: Any) -> str | None:
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


CATALOG_ID = "catalog_id"
"""The key of the catalog's own id in the meta table."""
metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

roots = Table(
    "roots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", LargeBinary, nullable=False, unique=True),
    Column("device", Integer, nullable=False),
    Column("marker", Text),
    Column("reference", Boolean, nullable=False, default=False),
    sqlite_autoincrement=True,
)

contents = Table(
    "contents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("size", Integer, nullable=False),
    Column("format", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("orientation", Integer, nullable=False),
    Column("taken_at", Text),
    Column("camera", Text),
    Column("exif_tags", Integer, nullable=False),
    Column("has_gps", Boolean, nullable=False),
    Column("stream_digest", LargeBinary),
    Column("flat", Boolean, nullable=False),
    Column("matched_at", Integer),
    sqlite_autoincrement=True,
)
Index("contents_by_stream", contents.c.stream_digest, sqlite_where=contents.c.stream_digest.is_not(None))
Index("contents_unmatched", contents.c.id, sqlite_where=contents.c.matched_at.is_(None))

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("root_id", ForeignKey("roots.id", ondelete="CASCADE"), nullable=False),
    Column("folder", LargeBinary, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("device", Integer, nullable=False),
    Column("inode", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("ctime_ns", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("content_id", ForeignKey("contents.id")),
    Column("error_code", Text),
    Column("error", Text),
    Column("gone_at", Integer),
    UniqueConstraint("root_id", "folder", "name"),
    CheckConstraint("state != 'present' OR content_id IS NOT NULL", name="present_has_content"),
    sqlite_autoincrement=True,
)
Index("files_by_content", files.c.content_id)
Index("files_by_inode", files.c.inode, files.c.device)
Index("files_with_error", files.c.state, sqlite_where=files.c.state == "error")

retries = Table(
    "retries",
    metadata,
    Column("file_id", ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("ctime_ns", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("due_at", Integer),
)

perceptual_hashes = Table(
    "perceptual_hashes",
    metadata,
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("bits", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

imported_contents = Table(
    "imported_contents",
    metadata,
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)

embedding_models = Table(
    "embedding_models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("dim", Integer, nullable=False),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model_id", ForeignKey("embedding_models.id", ondelete="CASCADE"), nullable=False),
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("content_id", "model_id", "part"),
    sqlite_autoincrement=True,
)

pairs = Table(
    "pairs",
    metadata,
    Column("a", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    Column("b", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text),
    Column("score", Float, nullable=False),
    Column("evidence", Text, nullable=False),
    CheckConstraint("a < b", name="ordered"),
    sqlite_with_rowid=False,
)
Index("pairs_by_b", pairs.c.b)
Index("pairs_by_kind", pairs.c.kind)

verdicts = Table(
    "verdicts",
    metadata,
    Column("digest_a", LargeBinary, primary_key=True),
    Column("digest_b", LargeBinary, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("given_at", Integer, nullable=False),
    CheckConstraint("digest_a < digest_b", name="ordered"),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", Integer, nullable=False),
    Column("finished_at", Integer),
    Column("summary", Text),
)

map_points = Table(
    "map_points",
    metadata,
    Column("model_id", ForeignKey("embedding_models.id", ondelete="CASCADE"), primary_key=True),
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    sqlite_with_rowid=False,
)
Index("map_points_by_content", map_points.c.content_id)

# No foreign key: a content that has left the catalog is exactly what the next report mentions.
reported_contents = Table(
    "reported_contents",
    metadata,
    Column("content_id", Integer, primary_key=True, autoincrement=False),
    Column("cluster_id", Integer, nullable=False),
)

protected_paths = Table(
    "protected_paths",
    metadata,
    Column("path", LargeBinary, primary_key=True),
    Column("added_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", Integer, nullable=False),
    Column("policy", Text, nullable=False),
    Column("terms", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Roots are referred to by path, not by id: files in a quarantine outlive the root's row in the catalog.
actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan_id", ForeignKey("plans.id", ondelete="CASCADE"), nullable=False),
    Column("bundle", Integer, nullable=False),
    Column("verb", Text, nullable=False),
    Column("victim_root", LargeBinary, nullable=False),
    Column("victim_path", LargeBinary, nullable=False),
    Column("victim_identity", Text, nullable=False),
    Column("victim_digest", LargeBinary, nullable=False),
    Column("keeper_root", LargeBinary),
    Column("keeper_path", LargeBinary),
    Column("keeper_identity", Text),
    Column("keeper_digest", LargeBinary),
    Column("kind", Text),
    Column("score", Float),
    Column("rule", SurrogateEscapedText, nullable=False),
    Column("skipped", SurrogateEscapedText),
    sqlite_autoincrement=True,
)
Index("actions_by_plan", actions.c.plan_id, actions.c.bundle)
Index("actions_by_keeper", actions.c.keeper_digest)
Index("actions_by_victim", actions.c.victim_root, actions.c.victim_path)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action_id", ForeignKey("actions.id", ondelete="CASCADE"), nullable=False),
    Column("deed", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("target", LargeBinary),
    Column("stand_in", LargeBinary),
    Column("reason", SurrogateEscapedText),
    Column("started_at", Integer, nullable=False),
    Column("settled_at", Integer),
    Column("resting", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
placed_copies = Table(
    "placed_copies",
    metadata,
    Column("entry_id", ForeignKey("journal.id", ondelete="CASCADE"), primary_key=True),
    Column("identity", Text, nullable=False),
)
Index("journal_by_action", journal.c.action_id)
Index("journal_open", journal.c.id, sqlite_where=journal.c.state == "intended")
Index("journal_resting", journal.c.target, sqlite_where=journal.c.resting)
