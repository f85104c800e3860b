"""What the vector index costs and what it misses, against the exact index, on made-up vectors.

    python bench/vectors.py [N] [--dim 128] [--queries 4000]

The vectors imitate a library: pictures spread over 40 directions and some noise, 2 % of them in bursts of 100
near-equal ones, 2 % equal to another in groups of 100. The queries are copies of members at cosines from 0.65 to 0.95.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import hnswlib
import numpy as np

from dedupctl.domain import FloatArray
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import EF, HnswIndex
from dedupctl.vectors.snapshot import load, save

K = 10
COPY_COSINE = 0.65
GROUP = 100
FEW = 4
"""Fewer neighbours above the threshold than this: not a member of a group."""
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", nargs="?", type=int, default=60_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--queries", type=int, default=4000)
    options = parser.parse_args()
    random = np.random.default_rng(7)
    vectors = library(random, options.n, options.dim)
    queries = copies(random, vectors[random.choice(len(vectors), min(options.queries, len(vectors)), replace=False)])
    exact = exact_cosines(vectors, queries)

    index = HnswIndex(options.dim)
    _, seconds = timed(lambda: index.add(np.arange(len(vectors)), vectors))
    print(f"{len(vectors)} vectors of {options.dim}: built in {seconds:.1f} s, {len(vectors) / seconds:,.0f} a second")
    snapshot_times(index)
    print("    ef   recall@10   copies of single pictures   of grouped ones   queries/s (one thread)")
    for ef in (32, 64, 128, 256, 512):
        index.ef = ef
        (_, found), seconds = timed(lambda: index.search(queries, K))
        print(f"{ef:6d}   {recall(exact, found)}   {len(queries) / seconds:12,.0f}")
    found, rate = bare_hnswlib(vectors, queries)
    print(f"  bare   {recall(exact, found)}   {rate:12,.0f}   (M 16, ef_construction 100, ef 64)")
    index.ef = EF
    hits, seconds = timed(lambda: [index.search_above(query, COPY_COSINE)[0] for query in queries])
    mean = sum(map(len, hits)) / len(hits)
    print(f"search_above {COPY_COSINE}: {mean:.1f} hits a query, {len(queries) / seconds:,.0f} queries/s")


def library(random: np.random.Generator, n: int, dim: int) -> FloatArray:
    """Unit vectors (n, dim) in random order."""
    grouped = n // 50 // GROUP
    spread = random.normal(size=(40, dim))
    mixed = random.normal(size=(n - 2 * grouped * (GROUP - 1), 40)) @ spread
    scenes = unit(mixed + 0.3 * np.sqrt(40) * random.normal(size=mixed.shape))
    shots = np.repeat(scenes[:grouped], GROUP - 1, axis=0)
    bursts = unit(shots + 0.03 / np.sqrt(dim) * random.normal(size=shots.shape))
    equals = np.repeat(scenes[grouped : 2 * grouped], GROUP - 1, axis=0)
    return random.permutation(np.vstack([scenes, bursts, equals]), axis=0)


def copies(random: np.random.Generator, vectors: FloatArray) -> FloatArray:
    """Each vector turned by a random direction to a cosine from 0.65 to 0.95."""
    cosine = random.uniform(COPY_COSINE, 0.95, size=(len(vectors), 1))
    away = unit(random.normal(size=vectors.shape))
    away = unit(away - np.sum(away * vectors, axis=1, keepdims=True) * vectors)
    return unit(cosine * vectors + np.sqrt(1 - cosine**2) * away)


def unit(vectors: np.ndarray) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def exact_cosines(vectors: FloatArray, queries: FloatArray) -> FloatArray:
    """Cosines of each query's K nearest, nearest first, shape (queries, K)."""
    exact = FlatIndex(vectors.shape[1])
    exact.add(np.arange(len(vectors)), vectors)
    return np.vstack([exact.search(queries[start : start + 64], K)[1] for start in range(0, len(queries), 64)])


def recall(exact: FloatArray, found: FloatArray) -> str:
    """Shares found: of the K nearest; of the nearest above the copy threshold, for pictures with few and many of them.

    Cosines are compared, not labels, so that equal vectors count alike.
    """
    partners = (exact > COPY_COSINE).sum(axis=1)
    first = found[:, 0] >= exact[:, 0] - 1e-3
    single, grouped = first[(partners > 0) & (partners < FEW)], first[partners >= FEW]
    return f"{(found >= exact[:, -1:] - 1e-5).mean():9.4f}   {single.mean():25.4f}   {grouped.mean():15.4f}"


def snapshot_times(index: HnswIndex) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _, saving = timed(lambda: save(index, directory, model_key="m", catalog_id="c"))
        size = sum(file.stat().st_size for file in directory.iterdir())
        _, loading = timed(lambda: load(directory, dim=index.dim, model_key="m", catalog_id="c"))
    print(f"snapshot: {size / 1e6:.1f} MB, saved in {saving:.2f} s, verified and loaded in {loading:.2f} s")


def bare_hnswlib(vectors: FloatArray, queries: FloatArray) -> tuple[FloatArray, float]:
    """Cosines found, and queries a second, without the care for equal vectors."""
    graph = hnswlib.Index("cosine", vectors.shape[1])
    graph.init_index(len(vectors), M=16, ef_construction=100)
    graph.add_items(vectors)
    graph.set_ef(64)
    (_, distances), seconds = timed(lambda: graph.knn_query(queries, K, num_threads=1))
    return 1 - distances, len(queries) / seconds


def timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
