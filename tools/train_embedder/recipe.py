"""What is asked of a run, in one frozen value that is kept beside what came of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

RECIPE_NAME = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides which weights come out, besides the photos and the weights at the start.

    The defaults are those of SSCD (arXiv 2202.10261) where its paper gives any: pairs of edited views, InfoNCE at
    temperature 0.05 against a queue, KoLeo, frozen batch-norm statistics.
    """

    seed: int = 7
    steps: int = 2000
    pictures: int = 64
    """Pictures in a batch; each comes in two views."""
    side: int = 160
    """Of the square that views are made at, in pixels."""
    use_side: int = 160
    """Of the square the model is to be used at: validation, calibration and figures are taken there."""
    dim: int = 128
    first_block: int = 11
    """Number of the first of the 16 blocks that learns; 0 = the whole network, 16 = head convolution and head only."""
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    temperature: float = 0.05
    koleo: float = 10.0
    """Weight of the KoLeo term, which spreads the vectors over the sphere."""
    queue: int = 4096
    """Vectors of earlier steps that serve as further negatives."""
    mixup: float = 0.0
    """Share of views that are blended with a view of another picture; they count as copies of both."""
    look_alikes: float = 0.25
    """Share of the pictures of a batch that come in groups of look-alikes."""
    series_weight: float = 0.5
    """How much another shot of the same scene counts as a negative: 1 = as any other picture, 0 = not at all."""
    of_start: float = 0.0
    """Share of the weights at the start in those that come out: the mean of a model and of one trained on from it can
    be better than both (arXiv 2109.01903)."""
    held_out: float = 0.03
    """Share of the photos that are never trained on, for the validation while it learns."""

    def save(self, folder: Path) -> None:
        (folder / RECIPE_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(**json.loads((folder / RECIPE_NAME).read_text(encoding="utf-8")))

    def differences(self, other: Recipe) -> list[str]:
        """What two recipes disagree on, a line each: weights of one must not go on under another."""
        values = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return [f"{name} was {mine}, is {theirs}" for name, mine, theirs in values if mine != theirs]
