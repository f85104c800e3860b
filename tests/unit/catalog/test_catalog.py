from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.errors import StoreDamaged


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.db") as catalog, catalog.write() as tx:
        tx.roots.add(b"/photos", 1, None)

    with Catalog.open(tmp_path / "catalog.db") as catalog, catalog.read() as tx:
        assert [root.path for root in tx.roots.all()] == [b"/photos"]


def test_a_catalog_keeps_its_id_and_shares_it_with_no_other(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "one.db") as one, Catalog.open(tmp_path / "other.db") as other:
        assert one.id != other.id
        with Catalog.open(tmp_path / "one.db") as again:
            assert again.id == one.id


def test_of_two_that_give_a_new_catalog_its_id_the_first_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalog.db"
    write = Catalog.write
    ids = []

    def overtaken(catalog: Catalog) -> AbstractContextManager[Transaction]:
        monkeypatch.setattr(Catalog, "write", write)
        with Catalog.open(path) as faster:
            ids.append(faster.id)
        return write(catalog)

    monkeypatch.setattr(Catalog, "write", overtaken)
    with Catalog.open(path) as slower:
        ids.append(slower.id)

    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_fact_is_replaced_by_a_later_one(catalog: Catalog) -> None:
    with catalog.write() as tx:
        assert tx.meta.get("daemon") is None
        tx.meta.put("daemon", "starting")
        tx.meta.put("daemon", "watching")

    with catalog.read() as tx:
        assert tx.meta.get("daemon") == "watching"


def test_a_fresh_catalog_is_whole(catalog: Catalog) -> None:
    assert catalog.integrity() == []


def test_what_is_no_catalog_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"a shopping list\n" * 100)

    with pytest.raises(StoreDamaged, match=r"catalog\.db is damaged"):
        Catalog.open(path)

    assert path.read_bytes() == b"a shopping list\n" * 100
