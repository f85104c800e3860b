"""Rows that nothing here wrote: named, never a traceback, and mended where the disk can tell again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from builders import add_file, make_digest, make_fingerprint, make_identity, make_pair

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import (
    Action,
    EntryState,
    FileState,
    Intent,
    Operation,
    PairKind,
    Root,
    ScanSummary,
    Seen,
    Settlement,
    Terms,
    Verb,
    Verdict,
)
from dedupctl.errors import StoreDamaged


@pytest.fixture(autouse=True)
def _library(catalog: Catalog, root: Root) -> None:
    """Two pictures, a file each, a pair, a verdict, a plan that was applied, a scan that ended."""
    with catalog.write() as tx:
        prints = [make_fingerprint(name) for name in "ab"]
        a, b = tx.contents.add(prints)
        model = tx.embeddings.model_id("model", 8)
        tx.embeddings.add(model, {a: prints[0].vectors, b: prints[1].vectors})
        seen = []
        for name, content in (("a", a), ("b", b)):
            add_file(tx, root, name.encode(), content, make_identity(content))
            seen.append(Seen(root.path, name.encode(), make_identity(content), make_digest(name)))
        tx.pairs.put([make_pair(a, b)])
        tx.contents.mark_matched([a, b], at=1)
        tx.verdicts.put(make_digest("a"), make_digest("b"), Verdict.SAME, at=1)
        plan = tx.plans.add("test", Terms((PairKind.NEAR,)), [_action(*seen)], at=1)
        (entry,) = tx.journal.intend([Intent(plan.actions[0], Operation.REMOVE, b"/photos/b")], at=1)
        tx.journal.settle([Settlement(entry, EntryState.DONE, resting=True)], at=2)
        tx.runs.finish(tx.runs.start(1), 2, ScanSummary(seen=2))
        tx.meta.put("last_report", "{}")


def _action(keeper: Seen, victim: Seen) -> Action:
    return Action(1, Verb.QUARANTINE, victim, keeper, PairKind.NEAR, 0.9, "name")


def damage(catalog: Catalog, statement: str) -> None:
    with closing(sqlite3.connect(catalog.path)) as careless, careless:
        careless.execute(statement)


def read_everything(tx: Transaction) -> None:
    ids = [one.id for one in tx.contents.following(0, 9)]
    tx.contents.orientations(ids)
    tx.contents.hashes("phash")
    tx.embeddings.of_contents(1, ids)
    tx.pairs.count_by_kind()
    list(tx.pairs.all())
    list(tx.files.present())
    tx.files.count()
    tx.verdicts.by_content()
    tx.runs.last_finished()
    tx.plans.get(1)
    list(tx.journal.entries())
    tx.meta.document("last_report")


MENDED = {
    "pairs": [
        "UPDATE pairs SET evidence = 'no json'",
        "UPDATE pairs SET evidence = '[]'",
        """UPDATE pairs SET evidence = '{"surprise": 1}'""",
        """UPDATE pairs SET evidence = '{"method": "orb", "transform": 7}'""",
        "UPDATE pairs SET kind = 'twin'",
    ],
    "contents": [
        "UPDATE perceptual_hashes SET bits = x'' WHERE algorithm = 'phash' AND content_id = 1",
        "UPDATE perceptual_hashes SET bits = x'00' WHERE algorithm = 'phash8' AND content_id = 1",
        "DELETE FROM perceptual_hashes WHERE content_id = 1",
        "UPDATE embeddings SET vector = x'' WHERE content_id = 1",
        "UPDATE embeddings SET vector = zeroblob(16) WHERE content_id = 1",
        "UPDATE embeddings SET vector = x'007e000000000000000000000000003c' WHERE content_id = 1",
    ],
    "files": ["UPDATE files SET state = 'lost' WHERE name = x'61'"],
    "verdicts": ["UPDATE verdicts SET verdict = 'maybe'"],
    "runs": ["UPDATE runs SET summary = 'no json'", """UPDATE runs SET summary = '{"surprise": 1}'"""],
    "meta": ["UPDATE meta SET value = 'no json' WHERE key = 'last_report'"],
}
KEPT = {
    "plans": [
        "UPDATE plans SET terms = 'no json'",
        "UPDATE actions SET verb = 'shred'",
        "UPDATE actions SET victim_identity = '[1]'",
    ],
    "journal": ["UPDATE journal SET state = 'perhaps'", "UPDATE journal SET deed = 'shred'"],
}


def each(damages: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(table, statement) for table, statements in damages.items() for statement in statements]


def test_a_whole_catalog_has_none(catalog: Catalog) -> None:
    assert catalog.row_faults() == []
    with catalog.read() as tx:
        read_everything(tx)


@pytest.mark.parametrize(("table", "statement"), each(MENDED) + each(KEPT))
def test_what_cannot_be_read_is_no_traceback(catalog: Catalog, table: str, statement: str) -> None:
    damage(catalog, statement)

    told = r"a row of the table \w+ cannot be read .*check --repair"
    with pytest.raises(StoreDamaged, match=told), catalog.read() as tx:
        read_everything(tx)
    assert [(fault.table, fault.rows) for fault in catalog.row_faults()] == [(table, 1)]


@pytest.mark.parametrize(("table", "statement"), each(MENDED))
def test_what_can_be_told_again_is_mended(catalog: Catalog, table: str, statement: str) -> None:
    damage(catalog, statement)

    catalog.mend_rows()

    assert (table, catalog.row_faults()) == (table, [])
    assert catalog.integrity() == []
    with catalog.read() as tx:
        read_everything(tx)


@pytest.mark.parametrize(("table", "statement"), each(KEPT))
def test_what_was_done_to_files_is_left_alone(catalog: Catalog, table: str, statement: str) -> None:
    damage(catalog, statement)

    catalog.mend_rows()

    assert [fault.table for fault in catalog.row_faults()] == [table]


def after(catalog: Catalog, statement: str, look: Callable[[Transaction], object]) -> object:
    damage(catalog, statement)
    catalog.mend_rows()
    with catalog.read() as tx:
        return look(tx)


def test_a_pair_that_was_lost_is_compared_again(catalog: Catalog) -> None:
    assert after(catalog, "UPDATE pairs SET kind = 'twin'", lambda tx: tx.contents.unmatched(9)) == [2]


def test_a_picture_whose_vector_was_lost_is_read_again(catalog: Catalog) -> None:
    damaged = "UPDATE embeddings SET vector = zeroblob(16) WHERE content_id = 1"

    assert after(catalog, damaged, lambda tx: tx.files.count()[FileState.PRESENT]) == 1
    with catalog.read() as tx:
        assert tx.contents.id_of(make_digest("a")) is None, "its file is new to the next scan"


def test_a_verdict_that_cannot_be_read_removes_nothing(catalog: Catalog) -> None:
    said = after(
        catalog,
        "UPDATE verdicts SET verdict = 'maybe'",
        lambda tx: tx.verdicts.between(make_digest("a"), make_digest("b")),
    )

    assert said is Verdict.DIFFERENT


def test_facts_of_the_wrong_type_are_found(catalog: Catalog) -> None:
    damage(catalog, "UPDATE contents SET width = 'wide' WHERE id = 1")

    assert [(fault.table, fault.rows) for fault in catalog.row_faults()] == [("contents", 1)]
    catalog.mend_rows()
    assert catalog.row_faults() == []
