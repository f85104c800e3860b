"""What training is told: copies together, all else apart (InfoNCE), no two vectors side by side (KoLeo).

And what it remembers: vectors of earlier steps, as negatives that cost no computing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CLOSEST = 1e-6
"""Squared distance below which KoLeo no longer grows: equal vectors would have an infinite loss."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Vectors, and what their views show."""

    vectors: Tensor
    """Unit length, shape (n, dim)."""
    pictures: Tensor
    """Which two pictures each shows, shape (n, 2): twice the same one unless it is blended."""
    scenes: Tensor
    """Which two scenes, shape (n, 2)."""


def info_nce(batch: Shown, earlier: Shown, temperature: float, series_weight: float) -> Tensor:
    """InfoNCE (arXiv 1807.03748) in the form of SSCD (arXiv 2202.10261, section 3.2), a mean over the batch.

    For a view i and each copy j of it in the batch: -log(e^s_ij / (e^s_ij + sum over k of w_ik e^s_ik)), where s are
    cosines by temperature and k runs over all views, of earlier steps too, that show another picture. w is 1, or
    `series_weight` where k shows the same scene. What shows the same picture is never a negative.
    """
    everything = torch.cat([batch.vectors, earlier.vectors])
    logits = batch.vectors @ everything.T / temperature
    same_picture = shares(batch.pictures, torch.cat([batch.pictures, earlier.pictures]))
    same_scene = shares(batch.scenes, torch.cat([batch.scenes, earlier.scenes]))
    weight = torch.where(same_scene, logits.new_tensor(series_weight), logits.new_tensor(1.0))
    against = (logits + weight.log()).masked_fill(same_picture, -torch.inf).logsumexp(1, keepdim=True)
    count = len(batch.vectors)
    copies = same_picture[:, :count] & ~torch.eye(count, dtype=torch.bool, device=logits.device)
    each = functional.softplus(against - logits[:, :count])
    return ((each * copies).sum(1) / copies.sum(1).clamp(min=1)).mean()


def koleo(batch: Shown) -> Tensor:
    """Kozachenko-Leonenko entropy (arXiv 1806.03198): minus the mean log distance to the nearest of another scene."""
    cosines = (batch.vectors @ batch.vectors.T).masked_fill(shares(batch.scenes, batch.scenes), -1.0)
    nearest = (2 - 2 * cosines.max(1).values).clamp(min=CLOSEST)
    return -0.5 * nearest.log().mean()


def shares(one: Tensor, other: Tensor) -> Tensor:
    """Whether any number of row i of `one` is in row j of `other`: shapes (n, 2), (m, 2) -> bool (n, m)."""
    return (one[:, None, :, None] == other[None, :, None, :]).flatten(2).any(-1)


class Memory:
    """The latest vectors, up to a number of them; the oldest are forgotten first."""

    def __init__(self, size: int, dim: int, device: torch.device) -> None:
        self._size = size
        none = torch.empty((0, 2), dtype=torch.int64, device=device)
        self.shown = Shown(torch.empty((0, dim), device=device), none, none)

    def add(self, batch: Shown) -> None:
        if self._size:
            self.shown = Shown(
                torch.cat([self.shown.vectors, batch.vectors.detach()])[-self._size :],
                torch.cat([self.shown.pictures, batch.pictures])[-self._size :],
                torch.cat([self.shown.scenes, batch.scenes])[-self._size :],
            )

    def state(self) -> dict[str, Tensor]:
        shown = self.shown
        return {"vectors": shown.vectors, "pictures": shown.pictures, "scenes": shown.scenes}

    def load(self, state: dict[str, Tensor]) -> None:
        device = self.shown.vectors.device
        self.shown = Shown(**{name: value.to(device) for name, value in state.items()})
