"""The test pictures: the set of the copies benchmark (`bench/copies_set.py`), read as the product reads a library."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dedupctl.config import Config, ModelConfig
from dedupctl.domain import FloatArray, Unreadable
from dedupctl.fingerprint.fingerprinter import Fingerprinter

if TYPE_CHECKING:
    from copies_set import Item

BENCH = Path(__file__).parents[2] / "bench"
PARTS = 8
"""Pieces that each worker's share of the files comes in, so that none is done long before the others."""
INDEX_NAME = "set.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model and a hash see of one picture of the set."""

    item: Item
    vectors: FloatArray
    """Shape (parts, dim): the whole picture, then its inner parts."""
    orientations: npt.NDArray[np.uint64]
    """Its pHash in the eight orientations, shape (8,)."""


def copies_set_in(folder: Path, photos: Path, scenes: Path | None, edited: int, seed: int) -> list[Item]:
    """The set that lies in `folder`; made there anew unless it was made of the same photos in the same way.

    Args:
        edited: how many of the photos are given copies.

    Raises:
        ValueError: the folder holds something that is no such set, and that making one would delete.
    """
    sys.path.insert(0, str(BENCH))  # its scripts import each other by their bare names
    from copies_set import Item, make_set

    index = folder / INDEX_NAME
    asked = {
        "photos": str(photos.resolve()),
        "scenes": str(scenes.resolve()) if scenes else None,
        "edited": edited,
        "seed": seed,
    }
    if not index.exists() and folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no test set: name another folder")
    kept = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    if kept.get("asked") != asked:
        items = make_set(photos, scenes, folder, edited, seed)
        rows = [(str(item.path.relative_to(folder)), item.origin, item.edit, item.group) for item in items]
        kept = {"asked": asked, "items": rows}
        index.write_text(json.dumps(kept), encoding="utf-8")
    return [Item(folder / path, origin, edit, group) for path, origin, edit, group in kept["items"]]


def read_set(items: Sequence[Item], model: ModelConfig, workers: int) -> list[Seen]:
    """Every picture of the set that shows something; flat ones propose nothing and are proposed to nobody.

    Raises:
        ValueError: a picture of the set cannot be read.
    """
    shares = [items[start :: workers * PARTS] for start in range(workers * PARTS)]
    # Not forked: where a model was just exported, this process has threads that a fork would wait for.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(chain.from_iterable(pool.map(_read, shares, repeat(model))))


def _read(items: Sequence[Item], model: ModelConfig) -> list[Seen]:
    fingerprinter = Fingerprinter(Config(model=model))
    out = []
    for item in items:
        read = fingerprinter.read(os.fsencode(item.path))
        if isinstance(read, Unreadable) or read.fingerprint is None:
            raise ValueError(f"{item.path}: {read}")
        if not read.fingerprint.flat:
            orientations = np.frombuffer(read.fingerprint.hashes["phash8"], ">u8").astype(np.uint64)
            out.append(Seen(item, read.fingerprint.vectors, orientations))
    return out
