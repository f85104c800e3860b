from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from builders import make_digest, make_fingerprint, make_identity, make_pair

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.chunked import MAX_VARIABLES, chunked
from dedupctl.domain import EntryState, PairKind, Settlement

SQLITE_DEFAULT = 32_766
"""SQLITE_MAX_VARIABLE_NUMBER as SQLite ships it; distributions raise it, so each test sets it back."""
MANY = range(1, 40_001)
BYTES = [number.to_bytes(8, "big") for number in MANY]

QUERIES: dict[str, Callable[[Transaction], object]] = {
    "contents.ids_of": lambda tx: tx.contents.ids_of(BYTES),
    "contents.get": lambda tx: tx.contents.get(MANY),
    "contents.sharing_stream": lambda tx: tx.contents.sharing_stream(MANY),
    "contents.hash_of": lambda tx: tx.contents.hash_of(MANY, "phash"),
    "embeddings.of_contents": lambda tx: tx.embeddings.of_contents(1, MANY),
    "embeddings.labels_of": lambda tx: tx.embeddings.labels_of(MANY),
    "embeddings.owners": lambda tx: tx.embeddings.owners(MANY),
    "files.of_contents": lambda tx: tx.files.of_contents(MANY),
    "files.with_inodes": lambda tx: tx.files.with_inodes([make_identity(number) for number in MANY]),
    "imported.among": lambda tx: tx.imported.among(MANY),
    "imported.withdraw": lambda tx: tx.imported.withdraw(MANY),
    "journal.rests_at": lambda tx: tx.journal.rests_at(BYTES),
    "journal.settle": lambda tx: tx.journal.settle((Settlement(number, EntryState.DONE) for number in MANY), at=1),
    "map_points.of": lambda tx: tx.map_points.of(1, MANY),
    "pairs.judged_among": lambda tx: tx.pairs.judged_among([(number, number + 1) for number in MANY]),
    "pairs.of_contents": lambda tx: tx.pairs.of_contents(MANY, list(PairKind)),
    "pairs.put": lambda tx: tx.pairs.put(make_pair(number, number + 1) for number in MANY),
    "protected.remove": lambda tx: tx.protected.remove(BYTES),
}


def ship_as_sqlite_does(tx: Transaction) -> None:
    driver = tx.contents._connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, SQLITE_DEFAULT)


@pytest.mark.parametrize("name", QUERIES)
def test_a_question_about_forty_thousand_is_answered(catalog: Catalog, name: str) -> None:
    with catalog.write() as tx:
        ship_as_sqlite_does(tx)
        QUERIES[name](tx)


def test_vectors_of_forty_thousand_come_in_the_order_asked_for(catalog: Catalog) -> None:
    with catalog.write() as tx:
        ship_as_sqlite_does(tx)
        (content,) = tx.contents.add([make_fingerprint("a")])
        model = tx.embeddings.model_id("model", 8)
        one = make_fingerprint("a").vectors
        labels = tx.embeddings.add(model, {content: one.repeat(len(MANY), axis=0)})
        assert tx.embeddings.vectors(labels).shape == (len(MANY), 8)


def test_what_lies_beyond_the_first_chunk_is_found(catalog: Catalog) -> None:
    with catalog.write() as tx:
        ids = tx.contents.add([make_fingerprint(name) for name in ("a", "b")])
        tx.pairs.put([make_pair(*ids)])
        padding = [10**6 + number for number in range(MAX_VARIABLES)]
        assert tx.contents.ids_of([*BYTES, make_digest("b")]) == {make_digest("b"): ids[1]}
        assert tx.contents.hash_of([*padding, ids[1]], "phash").keys() == {ids[1]}
        assert tx.pairs.judged_among([*((one, one + 1) for one in padding), (ids[0], ids[1])]) == {(ids[0], ids[1])}


def test_no_values_make_no_statement() -> None:
    assert list(chunked([])) == []


def test_every_value_comes_once_and_in_order() -> None:
    parts = list(chunked(range(2 * MAX_VARIABLES + 1)))

    assert [len(part) for part in parts] == [MAX_VARIABLES, MAX_VARIABLES, 1]
    assert [value for part in parts for value in part] == list(range(2 * MAX_VARIABLES + 1))
