"""Verdicts: what a person said about two contents. Keyed by digest, so they survive renames, rescans and new models."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import contents, verdicts
from dedupctl.domain import Verdict


class Verdicts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, digest_a: bytes, digest_b: bytes, verdict: Verdict, at: int) -> None:
        first, second = sorted((digest_a, digest_b))
        row = insert(verdicts).values(digest_a=first, digest_b=second, verdict=verdict.value, given_at=at)
        changed = {"verdict": verdict.value, "given_at": at}
        self._connection.execute(row.on_conflict_do_update(index_elements=["digest_a", "digest_b"], set_=changed))

    def withdraw(self, digest_a: bytes, digest_b: bytes) -> None:
        first, second = sorted((digest_a, digest_b))
        same = (verdicts.c.digest_a == first) & (verdicts.c.digest_b == second)
        self._connection.execute(delete(verdicts).where(same))

    def between(self, digest_a: bytes, digest_b: bytes) -> Verdict | None:
        first, second = sorted((digest_a, digest_b))
        same = (verdicts.c.digest_a == first) & (verdicts.c.digest_b == second)
        found = self._connection.execute(select(verdicts.c.verdict).where(same)).scalar_one_or_none()
        return None if found is None else _verdict(found)

    def by_content(self) -> dict[tuple[int, int], Verdict]:
        """Every verdict on two contents that are both in the catalog, keyed by their ids (a < b)."""
        one, two = contents.alias(), contents.alias()
        query = (
            select(one.c.id, two.c.id, verdicts.c.verdict)
            .join(one, one.c.digest == verdicts.c.digest_a)
            .join(two, two.c.digest == verdicts.c.digest_b)
        )
        found = self._connection.execute(query)
        return {(min(a, b), max(a, b)): _verdict(verdict) for a, b, verdict in found}


@decodes_rows_of("verdicts")
def _verdict(text: str) -> Verdict:
    return Verdict(text)
