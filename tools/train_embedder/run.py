"""One run in one folder: what it is to be, and its training. Once packed, it needs none of the product's libraries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from .compute import pick_device
from .network import published_weights
from .photos import Album, Packed, pack
from .progress import Tell
from .recipe import RECIPE_NAME, Recipe
from .train import Machine, train

ORIGIN_NAME = "origin.json"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the first weights of a run come from, and what is stated about its photos."""

    start: str
    """Name of the file of weights."""
    start_sha256: str
    statements: tuple[str, ...]
    """Lines about the photos and their licences, by whoever started the run."""

    def save(self, folder: Path) -> None:
        (folder / ORIGIN_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        kept = json.loads((folder / ORIGIN_NAME).read_text(encoding="utf-8"))
        return cls(kept["start"], kept["start_sha256"], tuple(kept["statements"]))


def pack_once(folder: Path, photos: Sequence[Path], *, tell: Tell) -> None:
    """Pack the photos into the folder, unless it has them.

    Raises:
        ValueError: it has other ones, or none and none were given.
    """
    packed = Packed.load(folder)
    if packed is None:
        if not photos:
            raise ValueError("no photos were given to train on")
        tell("packing the photos")
        for line in pack(photos, folder).refused:
            tell(f"left out: {line}")
    elif photos and list(packed.taken) != [source.name for source in photos]:
        raise ValueError(f"{folder} holds a run on other photos: {', '.join(packed.taken)}")


def prepare(folder: Path, recipe: Recipe, start: Path | None, stated: Sequence[str]) -> None:
    """Write down what the run is to be, unless that was done before.

    Raises:
        ValueError: the folder holds a run of another recipe, or one that started from other weights.
    """
    if not (folder / RECIPE_NAME).exists():
        weights = start or published_weights()
        Origin(weights.name, _digest(weights), tuple(stated)).save(folder)
        recipe.save(folder)
        return
    changed = Recipe.load(folder).differences(recipe)
    if changed:
        raise ValueError(f"{folder} holds a run of another recipe: {'; '.join(changed)}")
    if start and _digest(start) != Origin.load(folder).start_sha256:
        raise ValueError(f"{folder} holds a run that started from other weights: {Origin.load(folder).start}")


def train_run(folder: Path, start: Path | None, device: str | None, workers: int, *, tell: Tell) -> bool:
    """Train to the end of the folder's recipe; False if a signal stopped it.

    Raises:
        ValueError: the weights to start from are of another network.
    """
    machine = Machine(pick_device(device), workers)
    return train(folder, Recipe.load(folder), Album(folder), start, machine, tell=tell)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
