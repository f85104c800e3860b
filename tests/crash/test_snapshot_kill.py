"""A child process saves without a pause and is killed at random moments: no kill may cost the last snapshot."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dedupctl.domain import FloatArray, IntArray
from dedupctl.vectors.flat import FlatIndex
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.reconcile import open_index
from dedupctl.vectors.snapshot import save

DIM = 64
KILLS = 25
FIRST = 1500
"""Labels in the first generation: some 600 kB."""
VECTORS = np.random.default_rng(1).normal(size=(4 * FIRST, DIM)).astype(np.float32)


def fetch(labels: IntArray) -> FloatArray:
    """The vector of each label, the same in both processes."""
    return VECTORS[labels]


def save_without_a_pause(directory: Path) -> None:
    """What the child does: each generation has another set of labels."""
    index = HnswIndex(DIM)
    index.add(np.arange(FIRST), fetch(np.arange(FIRST)))
    save(index, directory, model_key="model", catalog_id="catalog")
    print("saving", flush=True)  # noqa: T201
    for label in range(FIRST, len(VECTORS)):
        index.add(np.array([label]), fetch(np.array([label])))
        index.retire(np.array([label - FIRST]))
        save(index, directory, model_key="model", catalog_id="catalog")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.timeout(300)
def test_a_kill_at_any_moment_leaves_a_snapshot_that_loads_and_agrees_with_the_catalog(tmp_path: Path) -> None:
    moments = random.Random(11)
    struck_while_writing = 0
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, __file__, str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"saving\n"
            time.sleep(moments.uniform(0, 0.05))
            child.kill()
        struck_while_writing += any(tmp_path.glob("*.part"))

        alive = np.array(sorted(moments.sample(range(FIRST + 50), FIRST)), np.int64)
        opened = open_index(tmp_path, dim=DIM, model_key="model", catalog_id="catalog", alive=alive, fetch=fetch)
        assert opened.rebuilt_because is None
        assert (opened.index.labels() == alive).all()
        exact = FlatIndex(DIM)
        exact.add(alive, fetch(alive))
        queries = fetch(alive[:50])
        np.testing.assert_array_equal(opened.index.search(queries, 1)[0], exact.search(queries, 1)[0])
    assert struck_while_writing


if __name__ == "__main__":
    save_without_a_pause(Path(sys.argv[1]))
