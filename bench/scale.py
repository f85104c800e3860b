"""What does matching one new picture cost in a library of N? `python bench/scale.py --photos DIR 1000 100000 1000000`

No photo is read for the library: vectors are drawn so that two of them lie at least as near as any cosine as often as
those of different photos do (4.6e-4 of all pairs at 0.53, 1e-4 at 0.63, 2e-5 at 0.72, 1e-5 at 0.77: printed), and
sketches are put together from local features of the photos in DIR, so that as many features match by chance. Then
pictures without any copy are matched: CPU of the nets and the screen, and how many candidates reach the proof.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from copies_set import photo_files

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import ModelConfig
from dedupctl.domain import Fingerprint, FloatArray, PictureFacts
from dedupctl.fingerprint.fingerprinter import thumbnail_of
from dedupctl.matching.candidates import CandidateFinder
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.reach import cosine_for
from dedupctl.matching.screen import Screen
from dedupctl.matching.sketch import FEATURES, Sketch, Sketches, sketches_of
from dedupctl.vectors.hnsw import HnswIndex

DIM = 128
GROUPS, SHAPE, MEAN = 110, 16, 0.555
"""How the vectors are drawn: near one of so many directions, as near as a gamma distribution says."""
ASKED = 200
"""Pictures that are matched at the end, a round of them at a time as the product does."""
ROUND = 50
BATCH = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--photos", type=Path, required=True)
    asked = parser.parse_args()
    features = _features(asked.photos)
    print(f"pairs by chance: {_shares()}")
    print("pictures    from cosine   candidates   reach the proof   CPU ms a picture: nets   screen")
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as home:
            _measure(Path(home), size, features)


def _measure(home: Path, size: int, features: Sketch) -> None:
    thumbs = Thumbs(home / "thumbs.db")
    with Catalog.open(home / "catalog.db") as catalog:
        with catalog.write() as tx:
            model = tx.embeddings.model_id("drawn", DIM)
        index = HnswIndex(DIM)
        ids = [
            content
            for batch in _library(size)
            for content in _add(catalog, thumbs, index, model, batch=batch, features=features)
        ]
        finder = CandidateFinder(index, model, ModelConfig().propose_cosine)
        screen = Screen(thumbs, model)
        asking = ids[-ASKED:]
        with catalog.read() as tx:
            finder.propose(tx, asking[:1])
            proposed, passed, nets, screened = 0, 0, 0.0, 0.0
            for start in range(0, ASKED, ROUND):
                started = time.process_time()
                candidates = finder.propose(tx, asking[start : start + ROUND])
                between = time.process_time()
                worth = screen.worth_proving(tx, candidates, finder.pictures)
                nets, screened = nets + between - started, screened + time.process_time() - between
                proposed, passed = proposed + len(candidates), passed + len(worth)
    thumbs.close()
    cosine = cosine_for(size, ModelConfig().propose_cosine)
    ms = 1000 / ASKED
    print(
        f"{size:9,}   {cosine:.3f}   {proposed / ASKED:10.2f}   {passed / ASKED:10.3f}   "
        f"{nets * ms:20.2f}   {screened * ms:.2f}",
        flush=True,
    )


def _library(size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, BATCH):
        yield start, min(BATCH, size - start)


def _add(
    catalog: Catalog, thumbs: Thumbs, index: HnswIndex, model: int, *, batch: tuple[int, int], features: Sketch
) -> list[int]:
    start, count = batch
    rng = np.random.default_rng(start)
    vectors = _vectors(start, count)
    hashes = rng.integers(0, 256, (count, 64), np.uint8)
    fingerprints = [
        Fingerprint(
            digest=hashlib.sha256(b"%d" % (start + place)).digest(),
            size=1,
            facts=PictureFacts("JPEG", 4000, 3000),
            stream_digest=None,
            flat=False,
            hashes={"phash": hashes[place, :8].tobytes(), "phash8": hashes[place].tobytes()},
            vectors=vectors[place : place + 1],
            thumbnail=b"",
        )
        for place in range(count)
    ]
    thumbs.put_sketches(
        {one.digest: Sketches(_mixed(features, rng), _mixed(features, rng)).to_bytes() for one in fingerprints}
    )
    with catalog.write() as tx:
        ids = tx.contents.add(fingerprints)
        labels = tx.embeddings.add(model, {i: one.vectors for i, one in zip(ids, fingerprints, strict=True)})
    index.add(labels, vectors)
    return ids


def _vectors(seed: int, count: int) -> FloatArray:
    centres = _unit(np.random.default_rng(2**40).standard_normal((GROUPS, DIM)))
    rng = np.random.default_rng([seed, 1])
    near = np.clip(rng.gamma(SHAPE, MEAN / SHAPE, (count, 1)), 0, 0.99)
    drawn = near * centres[rng.integers(0, GROUPS, count)] + np.sqrt(1 - near**2) * _unit(
        rng.standard_normal((count, DIM))
    )
    return np.asarray(_unit(drawn), np.float32)


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float64)


def _shares() -> str:
    vectors = _vectors(7, 6_000)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return ", ".join(f"{(cosines >= one).mean():.1e} at {one}" for one in (0.53, 0.63, 0.72, 0.77))


def _features(photos: Path) -> Sketch:
    """The local features of all photos as one."""
    made = [thumbnail_of(bytes(path)) for path in photo_files(photos)[:400]]
    jpegs = [jpeg for jpeg in made if isinstance(jpeg, bytes)]
    drawn = [sketches_of(Picture.from_thumbnail(jpeg, 4000, 3000)).plain for jpeg in jpegs]
    return Sketch(
        np.concatenate([one.points for one in drawn]),
        np.concatenate([one.sizes for one in drawn]),
        np.concatenate([one.angles for one in drawn]),
        np.concatenate([one.bits for one in drawn]),
    )


def _mixed(features: Sketch, rng: np.random.Generator) -> Sketch:
    some = rng.integers(0, len(features), FEATURES)
    return Sketch(features.points[some], features.sizes[some], features.angles[some], features.bits[some])


if __name__ == "__main__":
    main()
