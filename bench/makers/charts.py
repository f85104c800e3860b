"""Look-alikes by matplotlib: figures of one style with other data."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from makers.truth import Made, saved_again, written

Draw = Callable[[Any, np.random.Generator, np.random.Generator], None]
"""Draws on axes from a generator of the style, the same for all of one family, and one of the data."""

_PALETTES = ("tab10", "Set2", "Dark2", "viridis", "plasma", "cividis", "Pastel1")


def _bars(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    count, colour = int(style.integers(4, 12)), style.random(3)
    axes.bar([f"q{i}" for i in range(count)], data.integers(20, 100, count), color=colour)
    axes.set_ylim(0, 105)


def _grouped(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    count = int(style.integers(3, 7))
    for place in range(3):
        axes.barh(np.arange(count) + place * 0.27, data.integers(10, 100, count), 0.25, label=f"team {place}")
    axes.set_xlim(0, 105)
    axes.legend(loc="lower right")


def _stacked(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    count = int(style.integers(5, 10))
    base = np.zeros(count)
    for _ in range(3):
        part = data.integers(10, 35, count)
        axes.bar(range(count), part, bottom=base)
        base = base + part
    axes.set_ylim(0, 110)


def _lines(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    for _ in range(int(style.integers(1, 4))):
        axes.plot(np.cumsum(data.normal(0, 1, 60)))
    axes.set_ylim(-20, 20)
    axes.grid(visible=True)


def _scatter(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    count = int(style.integers(30, 150))
    axes.scatter(data.random(count), data.random(count), s=data.random(count) * 90 + 8, alpha=0.7)


def _pie(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    count = int(style.integers(3, 7))
    axes.pie(data.integers(5, 40, count), labels=[f"part {i}" for i in range(count)])


def _heat(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    side = int(style.integers(5, 14))
    axes.imshow(data.random((side, side)), cmap=str(style.choice(_PALETTES[3:6])))


def _histogram(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    axes.hist(data.normal(data.uniform(-1, 1), data.uniform(0.6, 1.6), 400), bins=int(style.integers(12, 30)))
    axes.set_xlim(-5, 5)
    axes.set_ylim(0, 90)


def _boxes(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    axes.boxplot([data.normal(data.uniform(-2, 2), 1, 40) for _ in range(int(style.integers(3, 8)))])
    axes.set_ylim(-6, 6)


def _contours(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    x, y = np.meshgrid(np.linspace(-3, 3, 80), np.linspace(-3, 3, 80))
    hills = sum(
        data.uniform(-1, 1) * np.exp(-((x - data.uniform(-2, 2)) ** 2) - (y - data.uniform(-2, 2)) ** 2)
        for _ in range(6)
    )
    axes.contourf(x, y, hills, levels=int(style.integers(6, 14)))


def _route(axes: Any, style: np.random.Generator, data: np.random.Generator) -> None:
    """A map: streets that stay, and the way through them."""
    for _ in range(24):
        x, y = style.uniform(0, 10, 2)
        axes.plot([x, x + style.normal(0, 5)], [y, y + style.normal(0, 5)], color="0.7", linewidth=style.uniform(1, 5))
    axes.plot(np.cumsum(data.normal(0.4, 0.5, 14)), np.cumsum(data.normal(0.4, 0.6, 14)), color="blue", linewidth=4)
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)


CHARTS: tuple[Draw, ...] = (
    *(_bars, _grouped, _stacked, _lines, _scatter, _pie, _heat, _histogram, _boxes, _contours, _route),
)


def make(templates: int, fillings: int, seed: int, folder: Path) -> Iterator[Made]:
    """`templates` styles by turns of every chart, each with `fillings` sets of data."""
    for number in range(templates):
        draw = CHARTS[number % len(CHARTS)]
        family = draw.__name__.strip("_")
        for place in range(fillings):
            style, data = np.random.default_rng([seed, number]), np.random.default_rng([seed, number, place])
            size = (style.uniform(5, 9), style.uniform(4, 6))
            figure, axes = plt.subplots(figsize=size, dpi=100)
            axes.set_prop_cycle(color=mpl.colormaps[str(style.choice(_PALETTES))](np.linspace(0, 0.9, 6)))
            axes.set_title(f"Deliveries by week, region {style.integers(1, 99)}")
            draw(axes, style, data)
            packed = io.BytesIO()
            figure.savefig(packed, format="png")
            plt.close(figure)
            name = f"{family}{number:04d}/{place}.{'png' if number % 2 else 'jpg'}"
            made = Made(written(folder, name, Image.open(packed)), f"{family}{number:04d}", f"{number}/{place}", family)
            yield from saved_again(folder, made) if place == 0 else (made,)
