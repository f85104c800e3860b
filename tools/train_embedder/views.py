"""Views: what a picture looks like after somebody edited it. Training brings two views of one picture together."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeAlias

from .drawing import inset, lettering, stickers, stripes, watermark
from .geometry import cropping, flip, mirror, perspective, quarter_turn, shear, turning
from .pictures import Edit, Others, Pixels, squeezed
from .templates import dressed
from .tones import any_tone, blur, grey, noise, posterise, saved_again, sharpen

Chances: TypeAlias = Sequence[tuple[float, Edit]]
"""Edits in the order in which they are made, each with its chance."""

GENTLE: Chances = (
    (0.4, cropping(0.9)),
    (0.15, turning(2)),
    (0.3, any_tone),
    (0.15, blur),
    (0.1, grey),
    (0.4, saved_again),
)
"""What leaves a page readable and the frames of a series apart: who is asked to tell those must be able to see them."""

LIGHT: Chances = ((0.5, cropping(0.6)), (0.3, any_tone), (0.2, saved_again))
"""What a library does to a photo by itself."""

STRONG: Chances = (
    (0.35, cropping(0.5)),
    (0.3, cropping(0.25)),
    (0.35, mirror),
    (0.08, flip),
    (0.3, quarter_turn),
    (0.45, any_tone),
    (0.12, any_tone),
    (0.12, grey),
    (0.15, blur),
    (0.05, sharpen),
    (0.05, noise),
    (0.03, posterise),
    (0.15, lettering),
    (0.07, watermark),
    (0.2, stickers),
    (0.04, stripes),
)
WARPS: Chances = ((0.08, turning(8)), (0.08, turning(45)), (0.06, turning(180)), (0.1, perspective), (0.03, shear))
"""At most one or two of these: each costs sharpness."""
INSET_CHANCE, DRESSED_CHANCE, SAVED_CHANCE = 0.1, 0.45, 0.3
TURNED_AFTER_CHANCE = 0.08
"""A screenshot or a framed picture that was turned as a whole."""


def gentle_view(pixels: Pixels, random: Random, side: int) -> Pixels:
    return squeezed(edited(pixels, random, GENTLE), side)


def light_view(pixels: Pixels, random: Random, side: int) -> Pixels:
    return squeezed(edited(pixels, random, LIGHT), side)


def strong_view(pixels: Pixels, random: Random, others: Others, side: int, template: int | None = None) -> Pixels:
    """Several edits at once: what is left of a picture after it went around the world.

    Args:
        template: seed of the surroundings it must be put in; None leaves them to chance.
    """
    pixels = edited(pixels, random, STRONG)
    if random.random() < INSET_CHANCE:
        pixels = inset(pixels, random, others)
    pixels = edited(pixels, random, WARPS)
    if template is not None:
        pixels = dressed(pixels, template, others)
    elif random.random() < DRESSED_CHANCE:
        pixels = dressed(pixels, random.getrandbits(64), others)
    if random.random() < TURNED_AFTER_CHANCE:
        pixels = quarter_turn(pixels, random)
    pixels = squeezed(pixels, side)
    return saved_again(pixels, random) if random.random() < SAVED_CHANCE else pixels


def edited(pixels: Pixels, random: Random, chances: Chances) -> Pixels:
    for chance, edit in chances:
        if random.random() < chance:
            pixels = edit(pixels, random)
    return pixels
