from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import make_digest

from dedupctl.catalog import thumbs as thumbs_module
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.errors import StoreError

A, B, C = (make_digest(name) for name in "abc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "thumbs.db"


@pytest.fixture
def thumbs(path: Path) -> Iterator[Thumbs]:
    with closing(Thumbs(path)) as opened:
        yield opened


def scribble(path: Path, start: int) -> None:
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(start)
        file.write(b"\xa5" * (size - start))


def test_thumbnails_are_there_after_opening_again(thumbs: Thumbs, path: Path) -> None:
    thumbs.put({A: b"jpeg a", B: b"jpeg b"})
    thumbs.put({A: b"jpeg a anew"})

    with closing(Thumbs(path)) as again:
        assert again.get([A, B, C]) == {A: b"jpeg a anew", B: b"jpeg b"}
        assert again.get([]) == {}


def test_more_are_asked_for_than_one_statement_takes(thumbs: Thumbs) -> None:
    many = {make_digest(str(number)): b"jpeg" for number in range(1201)}
    thumbs.put(many)

    assert thumbs.get(many.keys()) == many


@pytest.mark.parametrize("start", [0, 100])
def test_a_damaged_cache_is_thrown_away(thumbs: Thumbs, path: Path, start: int) -> None:
    thumbs.put({make_digest(str(number)): bytes(4000) for number in range(50)})
    thumbs.close()
    scribble(path, start)

    with closing(Thumbs(path)) as again:
        assert again.get([make_digest("1")]) == {}
        again.put({A: b"jpeg a"})
        assert again.get([A]) == {A: b"jpeg a"}


@pytest.mark.parametrize("first", ["get", "put"])
def test_a_cache_damaged_while_open_is_started_over(thumbs: Thumbs, path: Path, first: str) -> None:
    many = {make_digest(str(number)): bytes(4000) for number in range(50)}
    thumbs.put(many)
    thumbs.close()
    with closing(Thumbs(path)) as again:
        scribble(path, 4096)
        if first == "get":
            assert again.get(many.keys()) == {}
        again.put({A: b"jpeg a"})
        assert again.get([A, *many]) == {A: b"jpeg a"}


def test_a_locked_cache_is_not_thrown_away(thumbs: Thumbs, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thumbs.put({A: b"jpeg a"})
    monkeypatch.setattr(thumbs_module, "BUSY_SECONDS", 0.01)
    with closing(Thumbs(path)) as waiting, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            waiting.put({B: b"jpeg b"})

    assert thumbs.get([A]) == {A: b"jpeg a"}


def test_a_cache_that_is_locked_when_opened_is_not_thrown_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbs_module, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE thumbs (digest BLOB PRIMARY KEY, jpeg BLOB NOT NULL)")
        other.execute("INSERT INTO thumbs VALUES (?, ?)", (A, b"jpeg a"))
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            Thumbs(path)

    with closing(Thumbs(path)) as thumbs:
        assert thumbs.get([A]) == {A: b"jpeg a"}


def test_a_cache_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot use .*thumbs\.db"):
        Thumbs(tmp_path / "missing" / "thumbs.db")
