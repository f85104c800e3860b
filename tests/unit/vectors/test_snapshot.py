from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import FloatArray
from dedupctl.errors import StoreError
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.snapshot import (
    MANIFEST_NAME,
    Manifest,
    SnapshotRefused,
    glance_at_snapshot,
    load,
    save,
    verify_snapshot,
)

DIM = 16


def rows(n: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)


def index_of(n: int) -> HnswIndex:
    index = HnswIndex(DIM)
    index.add(np.arange(n), rows(n))
    return index


def saved(directory: Path, n: int = 200) -> None:
    save(index_of(n), directory, model_key="model", catalog_id="catalog")


def reason(directory: Path, *, dim: int = DIM, model_key: str = "model", catalog_id: str = "catalog") -> str | None:
    return verify_snapshot(directory, dim=dim, model_key=model_key, catalog_id=catalog_id)


def graph_of(directory: Path) -> Path:
    (graph,) = directory.glob("graph-*.hnsw")
    return graph


def test_a_saved_index_is_loaded_as_it_was(tmp_path: Path) -> None:
    index = index_of(200)
    index.add(np.array([900, 901]), rows(2))  # equal to 0 and 1
    index.retire(np.array([0, 5, 901]))
    save(index, tmp_path / "vectors" / "model", model_key="model", catalog_id="catalog")
    loaded = load(tmp_path / "vectors" / "model", dim=DIM, model_key="model", catalog_id="catalog")
    assert (loaded.labels() == index.labels()).all()
    assert (loaded.retired, loaded.twins) == (index.retired, index.twins)
    for before, after in zip(index.search(rows(200), 5), loaded.search(rows(200), 5), strict=True):
        np.testing.assert_array_equal(before, after)
    assert reason(tmp_path / "vectors" / "model") is None


def test_a_directory_that_is_not_there_holds_no_snapshot(tmp_path: Path) -> None:
    assert reason(tmp_path / "none") == "there is no snapshot"
    assert not (tmp_path / "none").exists()


def test_flipped_bytes_are_seen_before_hnswlib_can_crash_on_them(tmp_path: Path) -> None:
    saved(tmp_path)
    graph = graph_of(tmp_path)
    whole = graph.read_bytes()
    random = np.random.default_rng(2)
    for _ in range(20):
        damaged = bytearray(whole)
        damaged[int(random.integers(len(whole)))] ^= 1 << int(random.integers(8))
        graph.write_bytes(damaged)
        assert reason(tmp_path) == f"{graph.name} is damaged: its digest differs from the manifest's"


@pytest.mark.parametrize("keep", [0, 1, 5000])
def test_a_truncated_file_is_refused_with_its_sizes(tmp_path: Path, keep: int) -> None:
    saved(tmp_path)
    size = graph_of(tmp_path).stat().st_size
    os.truncate(graph_of(tmp_path), keep)
    assert reason(tmp_path) == f"{graph_of(tmp_path).name} has {keep} bytes, not {size}"


def test_a_missing_graph_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    name = graph_of(tmp_path).name
    graph_of(tmp_path).unlink()
    assert reason(tmp_path) == f"{name} is missing"


def test_a_snapshot_of_something_else_is_refused_by_what_it_is(tmp_path: Path) -> None:
    saved(tmp_path)
    assert reason(tmp_path, dim=32) == "its dimension is 16, not 32"
    assert reason(tmp_path, model_key="other") == "its model is model, not other"
    assert reason(tmp_path, catalog_id="other") == "its catalog is catalog, not other"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"metric": "l2"}, "its metric is l2, not cosine"),
        ({"format": 2}, "its format is 2, not 1"),
        ({"count": 199}, "the graph holds 200 labels, the manifest says 199"),
    ],
)
def test_a_manifest_that_is_whole_but_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    saved(tmp_path)
    path = tmp_path / MANIFEST_NAME
    changed = Manifest.model_validate_json(path.read_bytes()).model_copy(update=change)
    path.write_text(changed.model_copy(update={"seal": changed.expected_seal()}).model_dump_json())
    assert reason(tmp_path) == why


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"retired":[3]', '"retired":[4]'),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"count":199', '"count":"199"'),
        lambda text: text.replace("{", '{"more":1,', 1),
        lambda _: "",
        lambda _: "[]",
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, damage: Callable[[str], str]) -> None:
    index = index_of(200)
    index.retire(np.array([3]))
    save(index, tmp_path, model_key="model", catalog_id="catalog")
    path = tmp_path / MANIFEST_NAME
    whole = path.read_text()
    path.write_text(damage(whole))
    assert path.read_text() != whole
    assert str(reason(tmp_path)).startswith("MANIFEST.json is damaged: ")


def test_a_file_that_hnswlib_refuses_is_refused_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)

    def refuse(*_: object) -> HnswIndex:
        raise RuntimeError("Index seems to be corrupted")

    monkeypatch.setattr(HnswIndex, "load", refuse)
    assert str(reason(tmp_path)).endswith("Index seems to be corrupted")


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Every write past `size` bytes fails, as on a full disk."""
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
@pytest.mark.parametrize(("size", "why"), [(5000, "only 5000 of"), (100_000, "File too large")])
def test_a_full_disk_is_an_error_and_leaves_the_last_snapshot_in_force(tmp_path: Path, size: int, why: str) -> None:
    saved(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    more = index_of(200)
    many = np.arange(1000, 30_000)
    more.add(many, np.repeat(rows(1), len(many), axis=0))  # one vector: a small graph, but a large manifest
    with largest_file(size), pytest.raises(StoreError, match=why):
        save(more, tmp_path, model_key="model", catalog_id="catalog")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert reason(tmp_path) is None


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot save the vector index"):
        saved(tmp_path / "file" / "vectors")


def test_a_save_removes_older_generations_and_what_a_killed_one_left(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "graph-0123456789abcdef.hnsw.part").write_text("half")
    (tmp_path / "note.txt").write_text("not ours")
    first = graph_of(tmp_path)
    saved(tmp_path, 100)
    assert {file.name for file in tmp_path.iterdir()} == {MANIFEST_NAME, graph_of(tmp_path).name, "note.txt"}
    assert graph_of(tmp_path) != first


def test_a_reader_that_loses_its_file_to_a_newer_save_takes_the_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path)
    real, overtaken = HnswIndex.load, []

    def overtaken_once(*arguments: object) -> HnswIndex:
        if not overtaken:
            overtaken.append(True)
            saved(tmp_path, 100)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(HnswIndex, "load", overtaken_once)
    assert len(load(tmp_path, dim=DIM, model_key="model", catalog_id="catalog")) == 100


def test_loading_writes_nothing(tmp_path: Path) -> None:
    saved(tmp_path)
    graph_of(tmp_path).write_bytes(b"damaged")
    before = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()}
    with pytest.raises(SnapshotRefused):
        load(tmp_path, dim=DIM, model_key="model", catalog_id="catalog")
    assert {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()} == before


def test_a_glance_sees_what_the_manifest_and_the_size_tell_and_reads_no_graph(tmp_path: Path) -> None:
    def glance(**change: str) -> str | None:
        of = {"model_key": "model", "catalog_id": "catalog"} | change
        return glance_at_snapshot(tmp_path, dim=DIM, **of)

    assert "no snapshot" in (glance() or "")
    saved(tmp_path)
    assert glance() is None
    assert "model" in (glance(model_key="other") or "")
    graph = graph_of(tmp_path)
    graph.write_bytes(bytes(graph.stat().st_size))
    assert glance() is None, "only a whole look finds flipped bytes"
    graph.write_bytes(b"")
    assert "0 bytes" in (glance() or "")
    graph.unlink()
    assert "cannot be read" in (glance() or "")
