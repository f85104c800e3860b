"""How a run goes: told while it runs, kept as a table and a picture, and examined on photos it never saw."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from .checkpoint import Run
from .compute import vectors_of
from .network import Network
from .photos import Album
from .pictures import Pixels, squeezed
from .ranking import recall_at_false_rate
from .recipe import Recipe
from .views import strong_view

Tell: TypeAlias = Callable[[str], None]

POINTS, VALIDATIONS = 100, 10
"""How many points a run's curves have, and how many of them are validated."""
MOST_PHOTOS, VIEWS = 200, 2
FALSE_RATE = 1e-4
TABLE_NAME, PICTURE_NAME = "curves.csv", "curves.png"


@dataclass(frozen=True, slots=True)
class Point:
    """Means over the steps since the point before."""

    step: int
    views: int
    """Made since the start of the run."""
    info_nce: float
    koleo: float
    learning_rate: float
    views_a_second: float
    recall: float | None = None
    """Of the validation, where one was made at this step."""


class Curves:
    """The points of a run, written down as soon as they are made."""

    def __init__(self, folder: Path, until: int) -> None:
        """Go on with what the folder has of the steps up to `until`; what lies beyond will be done again."""
        self._folder = folder
        table = folder / TABLE_NAME
        self.points = [point for point in _read(table) if point.step <= until] if table.exists() else []

    def add(self, point: Point) -> None:
        self.points.append(point)
        with (self._folder / TABLE_NAME).open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, [field.name for field in fields(Point)])
            table.writeheader()
            table.writerows(asdict(each) for each in self.points)

    def draw(self) -> None:
        """Losses and validation over the views, beside the table."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        _line(left, self.points, "info_nce", "InfoNCE")
        _line(left.twinx(), self.points, "koleo", "KoLeo", style="C1:")
        checked = [point for point in self.points if point.recall is not None]
        _line(right, checked, "recall", "recall of held-out photos at false-positive rate 1e-4", style="C2.-")
        figure.savefig(self._folder / PICTURE_NAME, dpi=110)


def _line(axes: Any, points: Sequence[Point], name: str, label: str, style: str = "C0-") -> None:
    axes.plot([point.views for point in points], [getattr(point, name) for point in points], style)
    axes.set(xlabel="views", ylabel=label)


def _read(table: Path) -> list[Point]:
    with table.open(newline="", encoding="utf-8") as stream:
        return [
            Point(
                step=int(row["step"]),
                views=int(row["views"]),
                info_nce=float(row["info_nce"]),
                koleo=float(row["koleo"]),
                learning_rate=float(row["learning_rate"]),
                views_a_second=float(row["views_a_second"]),
                recall=float(row["recall"]) if row["recall"] else None,
            )
            for row in csv.DictReader(stream)
        ]


class Exam:
    """Photos that are never trained on, and strong views of them: the same ones every time."""

    def __init__(self, album: Album, photos: Sequence[int], recipe: Recipe) -> None:
        photos = photos[:MOST_PHOTOS]

        def other(random: Random) -> Pixels:
            return album[random.choice(photos)]

        random, side = Random(f"{recipe.seed} exam"), recipe.use_side
        self._library = [squeezed(album[number], side) for number in photos]
        self._queries = [strong_view(album[number], random, other, side) for number in photos for _ in range(VIEWS)]
        self._partners = np.repeat(np.arange(len(photos)), VIEWS)

    def recall(self, network: Network, device: torch.device) -> float:
        """Share of the views that are nearer to their photo than one in 10,000 wrong pairs is."""
        library, queries = (vectors_of(network, views, device) for views in (self._library, self._queries))
        return recall_at_false_rate(queries @ library.T, self._partners, FALSE_RATE)


class Progress:
    """Counts steps, tells how it goes, and keeps the curves."""

    def __init__(self, run: Run, curves: Curves, exam: Exam | None, tell: Tell) -> None:
        self._run, self._curves, self._exam, self._tell = run, curves, exam, tell
        self._losses: list[tuple[Tensor, Tensor]] = []
        self._since = time.monotonic()

    def count(self, losses: tuple[Tensor, Tensor]) -> None:
        self._losses.append(losses)
        steps, step = self._run.recipe.steps, self._run.step
        if step % max(1, steps // POINTS) == 0 or step == steps:
            self._point(checked=step % max(1, steps // VALIDATIONS) == 0 or step == steps)

    def _point(self, checked: bool) -> None:
        run, batch = self._run, 2 * self._run.recipe.pictures
        contrast, spread = (float(torch.stack(losses).mean()) for losses in zip(*self._losses, strict=True))
        if not math.isfinite(contrast):
            raise ValueError(f"the loss is no number any more at step {run.step}; try a lower --learning-rate")
        speed = batch * len(self._losses) / (time.monotonic() - self._since)
        recall = self._exam.recall(run.network, run.device) if checked and self._exam else None
        pace = run.schedule.get_last_lr()[0]
        self._curves.add(Point(run.step, run.step * batch, contrast, spread, pace, speed, recall))
        left = (run.recipe.steps - run.step) * batch / speed
        self._tell(
            f"step {run.step}/{run.recipe.steps}  InfoNCE {contrast:.3f}  KoLeo {spread:.3f}  {speed:.0f} views/s  "
            f"{left / 60:.0f} min left" + ("" if recall is None else f"  held-out recall {recall:.3f}")
        )
        if recall is not None:
            self._curves.draw()
        self._losses, self._since = [], time.monotonic()
