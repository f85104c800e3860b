"""What it costs to remove exact copies, over the least it can cost: hashing all files once and renaming the copies.

    python bench/apply.py [--files 10000] [--bytes 300000] [--folder DIR]

The goal is a ratio of 1.5. Both are done on the same files in one run, one after the other and more than once, because
a machine is never equally quick twice; the files were written just before, so that both read them from memory. That is
the hard case: from a disk the reading, which both do once, takes nearly all of the time.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from blake3 import blake3

from dedupctl.catalog.catalog import CATALOG_NAME, Catalog
from dedupctl.catalog.files import Sighting
from dedupctl.config import PolicyConfig
from dedupctl.disk.root_marker import mark_root
from dedupctl.domain import Fingerprint, Identity, PictureFacts
from dedupctl.policy.plan import make_plan
from dedupctl.removal.apply import apply_plan
from dedupctl.removal.recover import recover
from dedupctl.removal.restore import restorable, restore

POLICY = PolicyConfig(kinds=("exact",), keep=("path-priority",), path_priority=("*/kept/*",))
FILES_A_FOLDER = 100
ROUNDS = 3


def write_library(root: Path, files: int, size: int) -> list[tuple[Path, Path]]:
    """(kept, copy) pairs of files that differ from all others; returns them in the order they were made."""
    block = bytearray(random.Random(0).randbytes(size))
    pairs = []
    for number in range(files):
        block[:8] = number.to_bytes(8, "big")
        kept, copy = (
            root / side / f"{number // FILES_A_FOLDER:04}" / f"{number:06}.jpg" for side in ("kept", "copies")
        )
        for path in (kept, copy):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(block)
        pairs.append((kept, copy))
    os.sync()
    return pairs


def fill_catalog(catalog: Catalog, root: Path, pairs: list[tuple[Path, Path]]) -> None:
    """What a scan of these files would leave behind, as far as acting on them needs it; they are no real pictures."""
    device, marker = mark_root(os.fsencode(root))
    with catalog.write() as tx:
        root_id = tx.roots.add(os.fsencode(root), device, marker, reference=False).id
        for kept, copy in pairs:
            data = kept.read_bytes()
            digest = blake3(data).digest()
            facts, no_vectors = PictureFacts("JPEG", 4000, 3000), np.empty((0, 4), np.float32)
            fingerprint = Fingerprint(digest, len(data), facts, None, False, {"phash": digest[:8]}, no_vectors, b"")
            (content_id,) = tx.contents.add([fingerprint])
            tx.files.record(
                [
                    Sighting(root_id, os.fsencode(path.relative_to(root)), Identity.of(path.lstat()), content_id)
                    for path in (kept, copy)
                ]
            )


class Cost(NamedTuple):
    """Of one operation. Where others work on the machine too, the CPU seconds are the ones to compare."""

    seconds: float
    cpu_seconds: float


def least(root: Path, pairs: list[tuple[Path, Path]]) -> Cost:
    """To hash every file and to rename every copy; the copies are back at their place afterwards."""
    aside = root / ".dedupctl" / "aside"
    for _, copy in pairs:
        (aside / copy.parent.name).mkdir(parents=True, exist_ok=True)
    cost = cost_of(partial(hash_and_rename, aside, pairs))
    for _, copy in pairs:
        os.rename(aside / copy.parent.name / copy.name, copy)
    shutil.rmtree(aside)
    return cost


def hash_and_rename(aside: Path, pairs: list[tuple[Path, Path]]) -> None:
    for kept, copy in pairs:
        for path in (kept, copy):
            with open(path, "rb") as file:
                blake3(file.read()).digest()
        os.rename(copy, aside / copy.parent.name / copy.name)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def cost_of(operation: Callable[[], object]) -> Cost:
    started, cpu = time.perf_counter(), time.process_time()
    operation()
    return Cost(time.perf_counter() - started, time.process_time() - cpu)


def measure(work: Path, files: int, size: int) -> None:
    root = work / "photos"
    pairs = write_library(root, files, size)
    with Catalog.open(work / CATALOG_NAME) as catalog:
        fill_catalog(catalog, root, pairs)
        ratios, cpu_ratios, memory = [], [], peak_megabytes()
        for _ in range(ROUNDS):
            bare = least(root, pairs)
            started = time.perf_counter()
            plan = make_plan(catalog, "bench", POLICY, now=int(time.time()))
            planning = time.perf_counter() - started
            assert len(plan.removals) == files
            applying = cost_of(partial(apply_plan, catalog, plan.id, max_remove_share=100))
            assert not any(copy.exists() for _, copy in pairs)
            entries = restorable(catalog, plan_id=plan.id)
            restoring = cost_of(partial(restore, catalog, entries))
            assert all(copy.exists() for _, copy in pairs)
            ratios.append(applying.seconds / bare.seconds)
            cpu_ratios.append(applying.cpu_seconds / bare.cpu_seconds)
            print(
                f"hash and rename {bare.seconds:.2f} s (CPU {bare.cpu_seconds:.2f}), apply {applying.seconds:.2f} s"
                f" (CPU {applying.cpu_seconds:.2f}); plan {planning:.2f} s, restore {restoring.seconds:.2f} s"
            )
        assert recover(catalog) == []
        print(f"memory for all of it, over what the catalog had taken: {peak_megabytes() - memory:.0f} MB at the peak")
    print(f"apply over hash and rename, {files} copies of {size} bytes: {median(ratios):.2f} (goal 1.5)")
    print(f"the same in CPU seconds: {median(cpu_ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="copies; each has a kept file of its own")
    parser.add_argument("--bytes", type=int, default=300_000, help="of each file")
    parser.add_argument("--folder", type=Path, help="make the files here instead of in the system's temporary folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
        measure(Path(work), chosen.files, chosen.bytes)


if __name__ == "__main__":
    main()
