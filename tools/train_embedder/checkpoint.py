"""Where a run stands, written so that a crash at any moment loses a minute and never the run."""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from .losses import Memory
from .network import Network, Weights, read_weights
from .recipe import Recipe

CHECKPOINT_NAME, START_NAME, WEIGHTS_NAME = "checkpoint.pt", "start.pt", "weights.pt"
WARM_UP = 0.02
"""Share of the steps over which the rate rises: else Adam's first steps throw away what was learnt before."""


class Run:
    """Everything that changes from step to step. Its random state is `step`: see `batches`."""

    def __init__(self, recipe: Recipe, network: Network, device: torch.device) -> None:
        self.recipe = recipe
        self.device = device
        self.network = network.to(device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(_groups(self.network, recipe), lr=recipe.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: rate(step, recipe.steps))
        self.memory = Memory(recipe.queue, recipe.dim, device)
        self.step = 0

    def save(self, folder: Path) -> None:
        state = {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "memory": self.memory.state(),
        }
        _replace(folder / CHECKPOINT_NAME, state)

    def resume(self, folder: Path) -> bool:
        """Go on from the folder's checkpoint; whether it has one.

        Raises:
            ValueError: the checkpoint is of another recipe.
        """
        path = folder / CHECKPOINT_NAME
        if not path.exists():
            return False
        # To the CPU: what belongs on the device is moved there below, and AdamW's counters do not.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        changed = Recipe(**state["recipe"]).differences(self.recipe)
        if changed:
            raise ValueError(f"{path} was made by another recipe: {'; '.join(changed)}")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.memory.load(state["memory"])
        self.step = state["step"]
        return True

    def save_start(self, folder: Path) -> None:
        """The network before its first step, if a share of it is to come out."""
        if self.recipe.of_start:
            _replace(folder / START_NAME, self._weights())

    def save_weights(self, folder: Path) -> None:
        """What comes out, for an export or as the start of another run."""
        weights = self._weights()
        if self.recipe.of_start:
            start = read_weights(folder / START_NAME)
            weights = {
                name: value.lerp(start[name], self.recipe.of_start) if value.is_floating_point() else value
                for name, value in weights.items()
            }
        _replace(folder / WEIGHTS_NAME, weights)

    def _weights(self) -> Weights:
        return {name: value.cpu() for name, value in self.network.state_dict().items()}


def rate(step: int, steps: int) -> float:
    """Share of the learning rate that holds at a step: a short rise, then half a cosine down to 0."""
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """What learns, with weight decay for matrices and kernels and none for the gains and biases of norms."""
    learning = network.learn_from(recipe.first_block)
    return [
        {"params": [each for each in learning if each.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [each for each in learning if each.ndim <= 1], "weight_decay": 0.0},
    ]


def _replace(path: Path, state: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    os.replace(fresh, path)
