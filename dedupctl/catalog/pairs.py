"""Pairs: every two contents that were compared, with the judgement and the numbers behind it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import contents, pairs
from dedupctl.domain import Closer, Evidence, Pair, PairKind, Photometric, Transform


class Pairs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, judged: Iterable[Pair]) -> None:
        """Store judgements; a later one replaces an earlier one on the same two contents.

        Judgements on a content that was dropped while it was being compared are left out.
        """
        listed = list(judged)
        known = self._existing({content_id for pair in listed for content_id in (pair.a, pair.b)})
        rows = [
            {
                "a": pair.a,
                "b": pair.b,
                "kind": pair.kind,
                "score": pair.score,
                "evidence": evidence_to_json(pair.evidence),
            }
            for pair in listed
            if pair.a in known and pair.b in known
        ]
        if not rows:
            return
        row = insert(pairs)
        changed = {"kind": row.excluded.kind, "score": row.excluded.score, "evidence": row.excluded.evidence}
        self._connection.execute(row.on_conflict_do_update(index_elements=["a", "b"], set_=changed), rows)

    def forget(self, compared: Iterable[tuple[int, int]]) -> None:
        """As if these (a, b) had never been compared."""
        rows = [{"one": a, "other": b} for a, b in compared]
        if rows:
            these = (pairs.c.a == bindparam("one")) & (pairs.c.b == bindparam("other"))
            self._connection.execute(delete(pairs).where(these), rows)

    def between(self, a: int, b: int) -> Pair | None:
        query = select(pairs).where(pairs.c.a == min(a, b), pairs.c.b == max(a, b))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _pair(row)

    def judged_among(self, candidates: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
        """Which of these (a, b) have already been compared."""
        firsts = {a for a, _ in candidates}
        query = select(pairs.c.a, pairs.c.b)
        known = {
            (a, b) for part in chunked(firsts) for a, b in self._connection.execute(query.where(pairs.c.a.in_(part)))
        }
        return known & set(candidates)

    def of_kinds(self, kinds: Collection[PairKind]) -> Iterator[Pair]:
        """Every pair of these kinds, streamed, in order of the contents."""
        query = select(pairs).where(pairs.c.kind.in_([kind.value for kind in kinds]))
        for row in self._connection.execute(query.order_by(pairs.c.a, pairs.c.b)):
            yield _pair(row)

    def all(self) -> Iterator[Pair]:
        """Every comparison in order, streamed, including those that found no relation."""
        for row in self._connection.execute(select(pairs).order_by(pairs.c.a, pairs.c.b)):
            yield _pair(row)

    def of_contents(self, content_ids: Collection[int], kinds: Collection[PairKind]) -> list[Pair]:
        """Every pair of these kinds that involves one of these contents."""
        found: dict[tuple[int, int], Pair] = {}
        names = [kind.value for kind in kinds]
        for part in chunked(content_ids):
            for side in (pairs.c.a, pairs.c.b):
                rows = self._connection.execute(select(pairs).where(side.in_(part), pairs.c.kind.in_(names)))
                found |= {(row.a, row.b): _pair(row) for row in rows}
        return list(found.values())

    def _existing(self, content_ids: Collection[int]) -> set[int]:
        query = select(contents.c.id)
        return {
            content_id
            for part in chunked(content_ids)
            for content_id in self._connection.execute(query.where(contents.c.id.in_(part))).scalars()
        }

    def count_by_kind(self) -> dict[PairKind, int]:
        query = select(pairs.c.kind, func.count()).where(pairs.c.kind.is_not(None)).group_by(pairs.c.kind)
        return {_kind(kind): count for kind, count in self._connection.execute(query)}


@decodes_rows_of("pairs")
def _kind(text: str) -> PairKind:
    return PairKind(text)


def evidence_to_json(evidence: Evidence) -> str:
    """Compact JSON of the measured numbers; what was not measured is left out."""
    return json.dumps(evidence_as_dict(evidence), separators=(",", ":"))


def evidence_as_dict(evidence: Evidence) -> dict[str, Any]:
    """The measured numbers by name, ready for JSON."""
    return _measured(dataclasses.asdict(evidence))


def _measured(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _measured(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def evidence_from_json(text: str) -> Evidence:
    values = json.loads(text)
    if "transform" in values:
        transform: dict[str, Any] = values["transform"]
        for name in ("matrix", "visible_in_a", "visible_in_b"):
            transform[name] = tuple(transform[name])
        values["transform"] = Transform(**transform)
    if "photometric" in values:
        values["photometric"] = Photometric(**values["photometric"])
    if "closer" in values:
        values["closer"] = Closer(**values["closer"])
    return Evidence(**values)


@decodes_rows_of("pairs")
def _pair(row: Row[Any]) -> Pair:
    kind = None if row.kind is None else PairKind(row.kind)
    return Pair(row.a, row.b, kind, row.score, evidence_from_json(row.evidence))
