"""What a picture is while views of it are made: an array in memory, and few ways to change its size."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""
Colour: TypeAlias = tuple[int, int, int]
Edit: TypeAlias = Callable[[Pixels, Random], Pixels]
"""Makes an edited picture; may return its input, never writes into it."""
Others: TypeAlias = Callable[[Random], Pixels]
"""Gives some other photo: what pictures are pasted on, and what is pasted on them."""

SMALLEST = 8
"""Pixels below which no side is shrunk: a picture of nothing teaches nothing."""


def resized(pixels: Pixels, width: float, height: float) -> Pixels:
    size = max(SMALLEST, round(width)), max(SMALLEST, round(height))
    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    return as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def squeezed(pixels: Pixels, side: int) -> Pixels:
    """The picture squeezed to a square, as the embedder sees it."""
    return resized(pixels, side, side)


def any_colour(random: Random) -> Colour:
    return random.randint(0, 255), random.randint(0, 255), random.randint(0, 255)


def plain_colour(random: Random) -> Colour:
    """What frames, fills and pages mostly are: black, white, or anything."""
    return random.choice(((0, 0, 0), (255, 255, 255), any_colour(random)))


def plain(width: int, height: int, colour: Colour) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def as_pixels(values: npt.NDArray[np.generic] | cv2.typing.MatLike) -> Pixels:
    """Levels of any type as bytes, cut off at 0 and 255."""
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)
