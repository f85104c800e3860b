"""Look-alikes: pictures that resemble each other and are not copies. Drawn here so that every batch has some.

A family shares all but its content: pages of one layout, skies of one kind, other shots of one scene. The benchmark
draws its own by other code (`bench/copies_negatives.py`): it must not ask what was taught.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import cv2
import numpy as np

from .drawing import FONTS, words, write
from .geometry import parallax, smooth_field
from .pictures import Colour, Pixels, any_colour, as_pixels, plain, resized

Family: TypeAlias = Callable[[Random, Random], Pixels]
"""Draws one member: by the random numbers all members share, and by its own."""

PAGE_SIZES = ((300, 400), (300, 424), (400, 300), (240, 480))


def family(seed: int, members: int) -> list[Pixels]:
    """Members of one family; the seed says which, and what they are."""
    draw = Random(seed).choice(FAMILIES)
    return [draw(Random(f"{seed} layout"), Random(f"{seed} {member}")) for member in range(members)]


def letter(layout: Random, content: Random) -> Pixels:
    """A page of text: head, margins, columns and fonts are the family's, every word is its own."""
    page, ink = _page(layout)
    height, width = page.shape[:2]
    font, size = layout.choice(FONTS), layout.uniform(3.5, 8)
    margin, columns = round(width * layout.uniform(0.05, 0.15)), layout.choice((1, 1, 1, 2))
    start = _head(page, layout, margin)
    column = (width - 2 * margin) // columns
    signs = max(6, round(0.9 * column / size))
    for row in np.arange(start + 2 * size, height - margin, size * layout.uniform(1.6, 2.4)):
        for number in range(columns):
            if content.random() < 0.92:
                most = signs if content.random() < 0.8 else max(5, signs // 2)
                text, left = words(content, min(most, max(4, signs - 6)), most), margin + number * column
                write(page, text, (left, int(row)), size, ink, font=font)
    return page


def form(layout: Random, content: Random) -> Pixels:
    """Boxes and labels of the family, other entries."""
    page, ink = _page(layout)
    height, width = page.shape[:2]
    margin, pitch = round(width * layout.uniform(0.04, 0.12)), layout.randint(16, 34)
    edges = sorted(layout.uniform(0.15, 0.85) for _ in range(layout.randint(1, 4)))
    start, font = _head(page, layout, margin), layout.choice(FONTS)
    for row in range(start + 4, height - margin - pitch, pitch):
        cv2.rectangle(page, (margin, row), (width - margin, row + pitch), (140, 140, 140), 1)
        write(page, words(layout, 4, 8), (margin + 3, row + pitch - 5), pitch * 0.3, ink, font=font)
        for edge in edges:
            left = margin + round(edge * (width - 2 * margin))
            cv2.line(page, (left, row), (left, row + pitch), (140, 140, 140), 1)
            if content.random() < 0.8:
                write(page, words(content, 3, 7), (left + 3, row + pitch - 5), pitch * 0.35, ink)
    return page


def chat(layout: Random, content: Random) -> Pixels:
    """Bubbles of one messenger at the same places, other words in them."""
    width, height = 240, layout.choice((420, 480, 520))
    screen = plain(width, height, (layout.randint(190, 255), layout.randint(190, 255), layout.randint(190, 255)))
    cv2.rectangle(screen, (0, 0), (width, layout.randint(24, 50)), any_colour(layout), -1)
    write(screen, words(layout, 5, 10), (40, 20), 9, (255, 255, 255))
    mine, theirs = any_colour(layout), (255, 255, 255)
    row = 60
    while row < height - 40:
        is_mine, lines = layout.random() < 0.5, layout.randint(1, 3)
        left, bubble = (70 if is_mine else 10), layout.randint(100, 160)
        lower = row + 14 * lines + 6
        cv2.rectangle(screen, (left, row), (left + bubble, lower), mine if is_mine else theirs, -1)
        for line in range(lines):
            write(screen, words(content, 6, bubble // 6), (left + 6, row + 13 + 14 * line), 6, (20, 20, 20))
        row = lower + layout.randint(6, 16)
    return screen


def sky(layout: Random, content: Random) -> Pixels:
    """A change of light from one side to the other, every time in slightly other colours, some with soft clouds."""
    width, height = 256, 192
    ends = [
        np.array(any_colour(layout), np.float32) + np.array([content.uniform(-25, 25) for _ in range(3)])
        for _ in range(2)
    ]
    slope = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    light = np.broadcast_to(ends[0] * (1 - slope) + ends[1] * slope, (height, width, 3))
    if layout.random() < 0.6:
        cloud = smooth_field(content, width, height, layout.randint(2, 7))[..., np.newaxis] ** 2
        light = light * (1 - 0.6 * cloud) + 255 * 0.6 * cloud
    numbers = np.random.default_rng(content.getrandbits(64))
    return as_pixels(light + numbers.standard_normal((height, width, 1)) * layout.uniform(0.3, 2.5))


FAMILIES: tuple[Family, ...] = (letter, letter, form, chat, sky)


def series(pixels: Pixels, random: Random, shots: int) -> list[Pixels]:
    """Other shots of the scene a photo shows: the camera moves on a little every time, and so does what is near.

    Each is cut from the photo (90 to 70 % of a side) at a place further on, after near things were moved against far
    ones by up to 8 % of the side a shot, by a depth that stays the same for the scene.
    """
    height, width = pixels.shape[:2]
    depth = smooth_field(random, width, height, random.randint(2, 5))
    step = random.uniform(0.03, 0.08) * min(height, width)
    heading = random.uniform(0, 2 * np.pi)
    share = random.uniform(0.7, 0.9)
    start, end = (random.uniform(0, 1), random.uniform(0, 1)), (random.uniform(0, 1), random.uniform(0, 1))
    out = []
    for shot in range(shots):
        near = step * (shot + random.uniform(-0.3, 0.3))
        moved = parallax(pixels, depth, near * np.cos(heading), near * np.sin(heading))
        gone = shot / max(1, shots - 1)
        left = round((start[0] + (end[0] - start[0]) * gone) * (1 - share) * width)
        upper = round((start[1] + (end[1] - start[1]) * gone) * (1 - share) * height)
        out.append(moved[upper : upper + round(share * height), left : left + round(share * width)])
    return out


def _page(layout: Random) -> tuple[Pixels, Colour]:
    """An empty page, and the colour of its ink."""
    width, height = layout.choice(PAGE_SIZES)
    paper = (layout.randint(235, 255), layout.randint(235, 255), layout.randint(225, 255))
    return plain(width, height, paper), (layout.randint(0, 70),) * 3


def _head(page: Pixels, layout: Random, margin: int) -> int:
    """A letterhead of the family: bar, emblem, name. The row at which the text may begin."""
    width, depth = page.shape[1], layout.randint(16, 60)
    kind = layout.random()
    if kind < 0.4:
        cv2.rectangle(page, (margin, margin), (width - margin, margin + depth // 3), any_colour(layout), -1)
    elif kind < 0.7:
        emblem = plain(32, 32, any_colour(layout))
        cv2.circle(
            emblem, (layout.randint(8, 24), layout.randint(8, 24)), layout.randint(4, 12), any_colour(layout), -1
        )
        small = resized(emblem, min(depth, width - margin), depth)
        page[margin : margin + depth, margin : margin + small.shape[1]] = small
    write(page, words(layout, 8, 20), (margin + depth, margin + depth - 4), layout.uniform(6, 14), any_colour(layout))
    return margin + depth
