"""What the report costs: its CPU, map included, over that of openTSNE alone on the same vectors, in the same run.

    python bench/report.py [PICTURES] [CLUSTERS]

The library is rendered: vectors around themes with edits of a third of the pictures, and as many different thumbnails
as a cache of this size would hold. Prints the figures that the goals name; nothing is asserted.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from openTSNE import TSNE
from PIL import Image
from sklearn.manifold import trustworthiness

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.files import Sighting
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import Evidence, Fingerprint, Identity, Pair, PairKind, PictureFacts
from dedupctl.report.options import ReportOptions
from dedupctl.report.writing import write_report

DIM = 128
NEIGHBOURS = 10
JUDGED = 5_000
"""Trustworthiness compares all pairs, so it is taken over this many pictures of each map."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", nargs="?", type=int, default=20_000)
    parser.add_argument("clusters", nargs="?", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-report-") as home:
        measure(Path(home), options.pictures, options.clusters)


def measure(home: Path, pictures: int, clusters: int) -> None:
    catalog, thumbs = Catalog.open(home / "catalog.db"), Thumbs(home / "thumbs.db")
    model_id = fill(catalog, thumbs, pictures, clusters)
    print(f"{pictures:,} pictures, {clusters:,} clusters")

    before = peak_memory()
    started, cpu = time.perf_counter(), time.process_time()
    summary = write_report(
        catalog,
        thumbs,
        home / "report.html",
        model_id=model_id,
        options=ReportOptions(),
        progress=lambda _stage, _done, _total: None,
    )
    report_cpu = time.process_time() - cpu
    print(f"report              {report_cpu:7.1f} CPU s, {time.perf_counter() - started:.1f} s")
    print(f"page                {summary.size / 1e6:7.1f} MB, {summary.clusters_left_out:,} clusters left out")
    print(f"memory              {before / 1e6:7.0f} MB before, {peak_memory() / 1e6:.0f} MB at the peak")

    cpu = time.process_time()
    write_report(
        catalog,
        thumbs,
        home / "again.html",
        model_id=model_id,
        options=ReportOptions(),
        progress=lambda _stage, _done, _total: None,
    )
    print(f"the next report     {time.process_time() - cpu:7.1f} CPU s")

    with catalog.read() as tx:
        mapped = tx.map_points.mappable(model_id)
        places = tx.map_points.of(model_id, mapped)
        mapped = [content for content in mapped if content in places]
        vectors = tx.map_points.vectors(model_id, mapped)
    cpu = time.process_time()
    alone = np.asarray(TSNE(random_state=0).fit(vectors))
    alone_cpu = time.process_time() - cpu
    print(f"openTSNE alone      {alone_cpu:7.1f} CPU s on its {len(mapped):,} vectors")
    print(f"report / openTSNE   {report_cpu / alone_cpu:7.2f}   (goal: at most 1.5 at 20,000)")
    ours = np.array([places[content] for content in mapped])
    print(
        f"trustworthiness@{NEIGHBOURS}  {trust(vectors, ours):7.4f}, of openTSNE's default {trust(vectors, alone):.4f}"
    )
    thumbs.close()
    catalog.close()


def fill(catalog: Catalog, thumbs: Thumbs, pictures: int, clusters: int) -> int:
    """A library of this many contents, of which so many have an edit in the library too."""
    choose = np.random.default_rng(0)
    originals = pictures - clusters
    themes = choose.normal(size=(60, DIM))
    vectors = 0.7 * choose.normal(size=(originals, DIM)) + 0.6 * themes[choose.integers(0, 60, originals)]
    edits = vectors[:clusters] + 0.05 * choose.normal(size=(clusters, DIM))
    vectors = np.vstack([vectors, edits])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    jpegs = [thumbnail(choose) for _ in range(200)]
    with catalog.write() as tx:
        model_id = tx.embeddings.model_id("bench", DIM)
        root = tx.roots.add(b"/library", device=1, marker=None)
        for start in range(0, pictures, 2_000):
            part = vectors[start : start + 2_000].astype(np.float32)
            prints = [fingerprint(start + row, vector) for row, vector in enumerate(part)]
            ids = tx.contents.add(prints)
            tx.embeddings.add(model_id, {content: one.vectors for content, one in zip(ids, prints, strict=True)})
            tx.contents.mark_matched(ids, at=1)
            tx.files.record([sighting(root.id, content, one.size) for content, one in zip(ids, prints, strict=True)])
            thumbs.put({one.digest: jpegs[number % 200] for number, one in enumerate(prints)})
        tx.pairs.put(
            Pair(number + 1, originals + number + 1, PairKind.NEAR, 0.9, Evidence(method="orb", inliers=90))
            for number in range(clusters)
        )
    return model_id


def fingerprint(number: int, vector: Any) -> Fingerprint:
    digest = hashlib.sha256(str(number).encode()).digest()
    facts = PictureFacts("JPEG", 4_000 - number % 7, 3_000, camera="Camera One", taken_at="2020-01-02T03:04:05")
    return Fingerprint(digest, 3_000_000 + number, facts, None, False, {"phash": digest[:8]}, vector[None], b"")


def sighting(root_id: int, content_id: int, size: int) -> Sighting:
    path = b"2020/some holiday/IMG_%06d.jpg" % content_id
    return Sighting(root_id, path, Identity(1, content_id, size, 1_577_934_245 * 10**9, 0), content_id)


def thumbnail(choose: np.random.Generator) -> bytes:
    """As detailed as a photo: a few octaves of noise, 256 x 192."""
    picture = np.zeros((192, 256, 3))
    for octave in range(1, 6):
        small = choose.normal(size=(3 * 2**octave, 4 * 2**octave, 3)) * 60 / octave
        layer = Image.fromarray(np.clip(128 + small, 0, 255).astype(np.uint8)).resize((256, 192))
        picture += (np.asarray(layer, float) - 128) / 1.6
    packed = BytesIO()
    Image.fromarray(np.clip(128 + picture, 0, 255).astype(np.uint8)).save(packed, "JPEG", quality=80)
    return packed.getvalue()


def trust(vectors: Any, places: Any) -> float:
    """Share of the 10 nearest on the map that are near in truth too, as scikit-learn defines it; of a sample."""
    part = np.random.default_rng(1).permutation(len(vectors))[:JUDGED]
    return float(trustworthiness(vectors[part], places[part], n_neighbors=NEIGHBOURS))


def peak_memory() -> int:
    """Bytes; Linux counts in kilobytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
