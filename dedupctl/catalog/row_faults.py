"""Finding and mending rows that cannot be read. Rows that a scan can recreate are dropped; what a person said is not.

Rows are read without turning them into values of the domain, because these rows cannot be turned into any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, or_, select, update

from dedupctl.catalog.chunked import chunked
from dedupctl.catalog.contents import EIGHT_HASHES_BYTES, HASH_BYTES
from dedupctl.catalog.embeddings import STORED
from dedupctl.catalog.pairs import evidence_from_json
from dedupctl.catalog.plans import action_from_row, terms_from_json
from dedupctl.catalog.runs import summary_from_json
from dedupctl.catalog.schema import (
    CATALOG_ID,
    actions,
    contents,
    embedding_models,
    embeddings,
    files,
    journal,
    meta,
    pairs,
    perceptual_hashes,
    plans,
    runs,
    verdicts,
)
from dedupctl.domain import EntryState, Evidence, FileState, Operation, PairKind, Verdict
from dedupctl.errors import StoreDamaged

_EVIDENCE = TypeAdapter(Evidence)


@dataclass(frozen=True, slots=True)
class RowFault:
    """The number of rows in one table that this program cannot have written."""

    table: str
    what: str
    rows: int


class RowFaults:
    """Checks every row; a million contents take a minute."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def found(self) -> list[RowFault]:
        faults = [
            RowFault("contents", "pictures whose facts, hashes or vectors cannot be read", len(self._contents())),
            RowFault("pairs", "pairs whose kind or evidence cannot be read", len(self._pairs())),
            RowFault("files", "files in an unknown state", self._count(files, _is_none_of(files.c.state, FileState))),
            RowFault("verdicts", "verdicts that are neither same nor different", self._count(verdicts, _NO_VERDICT)),
            RowFault("meta", "values that cannot be read", len(self._unreadable_keys())),
            RowFault("runs", "records of a scan that cannot be read", len(self._runs())),
            RowFault("plans", "plans that cannot be read or contain an unreadable action", len(self._plans())),
            RowFault("journal", "entries in an unknown state", self._count(journal, _NO_STATE)),
        ]
        return [fault for fault in faults if fault.rows]

    def mend(self) -> None:
        """Drop what can be recreated, so that the next scan reads and compares it again.

        A verdict that cannot be read becomes `different`, which never removes anything. Plans and the journal are left
        alone, because they say where a user's files are.
        """
        self._forget_contents(self._contents())
        self._forget_pairs(self._pairs())
        self._connection.execute(delete(files).where(_is_none_of(files.c.state, FileState)))
        self._connection.execute(update(verdicts).where(_NO_VERDICT).values(verdict=Verdict.DIFFERENT.value))
        for key in self._unreadable_keys():
            self._connection.execute(delete(meta).where(meta.c.key == key))
        for part in chunked(self._runs()):
            self._connection.execute(delete(runs).where(runs.c.id.in_(part)))

    def _forget_contents(self, content_ids: set[int]) -> None:
        """Drop contents together with their files, which will be new to the next scan."""
        for part in chunked(content_ids):
            self._connection.execute(delete(files).where(files.c.content_id.in_(part)))
            self._connection.execute(delete(contents).where(contents.c.id.in_(part)))

    def _forget_pairs(self, keys: list[tuple[int, int]]) -> None:
        """Drop pairs, and have the later content of each matched again."""
        rows = [{"one": a, "other": b} for a, b in keys]
        if rows:
            gone = delete(pairs).where(pairs.c.a == bindparam("one"), pairs.c.b == bindparam("other"))
            self._connection.execute(gone, rows)
            again = update(contents).where(contents.c.id == bindparam("other")).values(matched_at=None)
            self._connection.execute(again, [{"other": b} for _, b in keys])

    def _contents(self) -> set[int]:
        """Contents with unusable facts, hashes or vectors: their files must be read again."""
        wrong_facts = select(contents.c.id).where(_WRONG_FACTS)
        found = set(self._connection.execute(wrong_facts).scalars())
        for algorithm, length in (("phash", HASH_BYTES), ("phash8", EIGHT_HASHES_BYTES)):
            hashed = select(perceptual_hashes.c.content_id).where(
                perceptual_hashes.c.algorithm == algorithm, func.length(perceptual_hashes.c.bits) == length
            )
            without = select(contents.c.id).where(contents.c.id.not_in(hashed))
            found |= set(self._connection.execute(without).scalars())
        return found | set(self._with_unusable_vector())

    def _with_unusable_vector(self) -> Iterator[int]:
        """Contents with a vector whose dimension is not the model's, or that has no direction."""
        query = select(embeddings.c.content_id, embeddings.c.vector, embedding_models.c.dim).join(embedding_models)
        for content_id, vector, dim in self._connection.execute(query):
            if not isinstance(vector, bytes) or len(vector) != dim * STORED.itemsize or not _has_direction(vector):
                yield content_id

    def _pairs(self) -> list[tuple[int, int]]:
        query = select(pairs.c.a, pairs.c.b, pairs.c.kind, pairs.c.score, pairs.c.evidence)
        kinds = {None, *(kind.value for kind in PairKind)}
        return [
            (row.a, row.b)
            for row in self._connection.execute(query)
            if row.kind not in kinds or not isinstance(row.score, float) or not _reads(_checked_evidence, row.evidence)
        ]

    def _runs(self) -> list[int]:
        query = select(runs.c.id, runs.c.summary).where(runs.c.summary.is_not(None))
        return [row.id for row in self._connection.execute(query) if not _reads(summary_from_json, row.summary)]

    def _unreadable_keys(self) -> list[str]:
        """Keys whose value is not JSON; only the catalog's id may be. The code that owns a value writes it again."""
        query = select(meta).where(meta.c.key != CATALOG_ID)
        return [row.key for row in self._connection.execute(query) if not _reads(json.loads, row.value)]

    def _plans(self) -> set[int]:
        found = {
            row.id
            for row in self._connection.execute(select(plans.c.id, plans.c.terms))
            if not _reads(terms_from_json, row.terms)
        }
        return found | {
            row.plan_id for row in self._connection.execute(select(actions)) if not _reads(action_from_row, row)
        }

    def _count(self, table: Table, where: ColumnElement[bool]) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())


def _is_none_of(column: ColumnElement[Any], values: type[StrEnum]) -> ColumnElement[bool]:
    return column.not_in([value.value for value in values])


_NO_VERDICT = _is_none_of(verdicts.c.verdict, Verdict)
_NO_STATE = or_(_is_none_of(journal.c.state, EntryState), _is_none_of(journal.c.deed, Operation))
_NUMBERS = (contents.c.size, contents.c.width, contents.c.height, contents.c.orientation, contents.c.exif_tags)
_WRONG_FACTS = or_(
    func.length(contents.c.digest) != 32,
    *(func.typeof(number) != "integer" for number in _NUMBERS),
    *(number < 1 for number in (contents.c.width, contents.c.height)),
)


def _reads(read: Callable[[Any], object], stored: object) -> bool:
    try:
        read(stored)
    except (StoreDamaged, ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _checked_evidence(text: str) -> None:
    evidence_from_json(text)
    _EVIDENCE.validate_json(text)


def _has_direction(vector: bytes) -> bool:
    length = float(np.linalg.norm(np.frombuffer(vector, STORED).astype(np.float32)))
    return bool(np.isfinite(length)) and length > 0
