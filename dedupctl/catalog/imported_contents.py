"""Contents known only from an import: their facts, hashes, vectors and thumbnail are what an imported file claims.

A claim may propose candidates and may be shown, but no removal relies on it. Where a claim matters, the file itself is
read, and what was read replaces the claim.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Select, bindparam, delete, exists, insert, select, union_all, update

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.files import LOCATED, LocatedFile, located_from_row
from dedupctl.catalog.schema import contents, files, imported_contents, pairs, verdicts
from dedupctl.domain import FileState, PairKind, Verdict


class ImportedContents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mark(self, content_ids: Collection[int]) -> None:
        """Mark these contents as imported: no file with them has been read on this machine."""
        rows = [{"content_id": content_id} for content_id in content_ids]
        if rows:
            self._connection.execute(insert(imported_contents), rows)

    def among(self, content_ids: Collection[int]) -> set[int]:
        """Which of these contents are known only from an import."""
        query = select(imported_contents.c.content_id)
        return {
            content_id
            for part in chunked(content_ids)
            for content_id in self._connection.execute(query.where(imported_contents.c.content_id.in_(part))).scalars()
        }

    def must_be_read(self, content_id: int) -> bool:
        """Whether a picture could be lost because of this claim: it has an accepted pair, or a verdict of `same`."""
        return self._connection.execute(_MATTERING.where(contents.c.id == content_id)).one_or_none() is not None

    def to_read(self) -> list[LocatedFile]:
        """One present file of every content that must be read."""
        query = LOCATED.where(files.c.state == FileState.PRESENT, files.c.content_id.in_(_MATTERING))
        one_each = {row.content_id: located_from_row(row) for row in self._connection.execute(query)}
        return list(one_each.values())

    def withdraw(self, content_ids: Collection[int]) -> None:
        """Drop these contents with everything that was claimed and everything that was concluded from it.

        Their files have no content until `hand_over` is called in the same transaction, which cannot commit otherwise.
        """
        self._connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for part in chunked(content_ids):
            self._connection.execute(delete(contents).where(contents.c.id.in_(part)))

    def hand_over(self, successors: Mapping[int, int]) -> None:
        """Give the files of each withdrawn content to the content that was read in its place."""
        rows = [{"claimed": claimed, "read": read} for claimed, read in successors.items()]
        if rows:
            moved = update(files).where(files.c.content_id == bindparam("claimed"))
            self._connection.execute(moved.values(content_id=bindparam("read")), rows)


_COPIES = (PairKind.PIXEL, PairKind.NEAR)
_SAID_TO_BE_COPIES = union_all(
    select(verdicts.c.digest_a).where(verdicts.c.verdict == Verdict.SAME),
    select(verdicts.c.digest_b).where(verdicts.c.verdict == Verdict.SAME),
)
_MATTERING: Select[tuple[int]] = (
    select(contents.c.id)
    .join(imported_contents)
    .where(
        exists().where(pairs.c.a == contents.c.id, pairs.c.kind.in_(_COPIES))
        | exists().where(pairs.c.b == contents.c.id, pairs.c.kind.in_(_COPIES))
        | contents.c.digest.in_(_SAID_TO_BE_COPIES)
    )
)
