"""What surrounds a picture once it was posted, framed or pasted: phone screens, cards, borders, other photos.

A template is nothing but a seed. All that is drawn depends on the random numbers and never on the picture, so one seed
puts different pictures into the very same surroundings: the copies a user has, and the look-alikes that must not pass.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import cv2
import numpy as np

from .drawing import FONTS, faded, words, write
from .pictures import Colour, Others, Pixels, any_colour, as_pixels, plain, plain_colour, resized, squeezed

Template: TypeAlias = Callable[[Pixels, Random, Others], Pixels]

WIDTH = 288
"""Of a drawn screen or card, in pixels: a little more than a view has."""


def dressed(pixels: Pixels, seed: int, others: Others) -> Pixels:
    """The picture in the surroundings that belong to `seed`."""
    random = Random(seed)
    (template,) = random.choices(list(TEMPLATES), list(TEMPLATES.values()))
    return template(pixels, random, others)


def phone_screen(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """A post or message: bars and a name above the picture, buttons and lines of words below it."""
    dark = random.random() < 0.35
    ground: Colour = (18, 18, 20) if dark else (random.randint(235, 255),) * 3
    ink: Colour = (215, 215, 218) if dark else (random.randint(20, 80),) * 3
    margin = random.choice((0, 0, random.randint(4, 28)))
    above, below = random.randint(28, 130), random.randint(24, 190)
    inner_width = WIDTH - 2 * margin
    inner_height = min(480, max(24, round(inner_width * pixels.shape[0] / pixels.shape[1])))
    screen = plain(WIDTH, above + inner_height + below, ground)
    screen[above : above + inner_height, margin : margin + inner_width] = resized(pixels, inner_width, inner_height)
    _status_bar(screen, random, ink)
    if above > 56:
        cv2.circle(screen, (26, above - 24), 15, any_colour(random), -1, cv2.LINE_AA)
        write(screen, words(random, 6, 14), (50, above - 26), 8, ink)
        write(screen, words(random, 6, 20), (50, above - 12), 6, ink)
    _lines_below(screen, above + inner_height, random, ink)
    return screen


def _status_bar(screen: Pixels, random: Random, ink: Colour) -> None:
    if random.random() < 0.4:
        cv2.rectangle(screen, (0, 0), (WIDTH, random.randint(14, 26)), any_colour(random), -1)
    write(screen, f"{random.randint(0, 23)}:{random.randint(10, 59)}", (10, 15), 7, ink)
    cv2.rectangle(screen, (WIDTH - 30, 7), (WIDTH - 12, 15), ink, 1)


def _lines_below(screen: Pixels, start: int, random: Random, ink: Colour) -> None:
    """Round buttons, then words or bars until the screen ends."""
    row = start + 16
    if random.random() < 0.6:
        for place in range(random.randint(2, 4)):
            cv2.circle(screen, (20 + 34 * place, row), 8, ink, 2, cv2.LINE_AA)
        row += 22
    while row < len(screen) - 6:
        if random.random() < 0.7:
            write(screen, words(random, 12, 34), (12, row), 6, ink)
        else:
            cv2.rectangle(screen, (12, row - 6), (random.randint(50, WIDTH - 12), row), ink, -1)
        row += random.randint(14, 24)


def window(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """A window of a desktop: a title bar, a column of icons on one side, the picture in what is left."""
    ground = (random.randint(30, 250),) * 3
    bar, column, foot = random.randint(12, 26), random.randint(0, 60), random.randint(0, 30)
    inner_width = WIDTH - column - random.choice((0, random.randint(4, 30)))
    inner_height = max(24, min(360, round(inner_width * pixels.shape[0] / pixels.shape[1])))
    shot = plain(WIDTH, bar + inner_height + foot, ground)
    cv2.rectangle(shot, (0, 0), (WIDTH, bar - 1), any_colour(random), -1)
    write(shot, words(random, 8, 24), (40, bar - 4), max(5, bar * 0.4), plain_colour(random))
    shot[bar : bar + inner_height, column : column + inner_width] = resized(pixels, inner_width, inner_height)
    for row in range(bar + 12, len(shot) - 8, 24):
        if column > 20:
            cv2.circle(shot, (column // 2, row), 6, any_colour(random), -1, cv2.LINE_AA)
    return shot


def caption_card(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """A meme: a bar of words above or below, sometimes both, sometimes a frame around all of it."""
    light = random.random() < 0.7
    ground: Colour = (255, 255, 255) if light else (0, 0, 0)
    ink: Colour = (0, 0, 0) if light else (255, 255, 255)
    inner_height = max(24, min(400, round(WIDTH * pixels.shape[0] / pixels.shape[1])))
    shares = [random.uniform(0.1, 0.35), 0.0, random.uniform(0.1, 0.25)]
    above, below = random.choice((shares[:2], shares[1:], shares[::2]))
    top, bottom = round(WIDTH * above), round(WIDTH * below)
    card = plain(WIDTH, top + inner_height + bottom, ground)
    card[top : top + inner_height] = resized(pixels, WIDTH, inner_height)
    font, size = random.choice(FONTS), random.uniform(9, 22)
    for start, depth in ((0, top), (top + inner_height, bottom)):
        for row in np.arange(start + 1.6 * size, start + depth - 0.2 * size, 1.7 * size):
            write(card, words(random, 8, 26), (random.randint(4, 30), int(row)), size, ink, font=font)
    return bordered(card, random, _) if random.random() < 0.25 else card


def bordered(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """A frame of one colour, as wide on all sides or not."""
    height, width = pixels.shape[:2]
    even = random.uniform(0.02, 0.25)
    shares = [even] * 4 if random.random() < 0.5 else [random.uniform(0, 0.35) for _ in range(4)]
    top, bottom, left, right = (round(share * min(height, width)) for share in shares)
    colour = plain_colour(random)
    out = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)
    if random.random() < 0.2:
        cv2.rectangle(
            out, (left, top), (left + width - 1, top + height - 1), plain_colour(random), random.randint(1, 4)
        )
    return as_pixels(out)


def filled_up(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """Made square or upright: the gaps are one colour, or the picture itself, enlarged and blurred."""
    height, width = pixels.shape[:2]
    ratio = random.choice((1.0, 9 / 16, 4 / 5, 16 / 9))
    full_width, full_height = max(width, round(height * ratio)), max(height, round(width / ratio))
    colour, soft = plain_colour(random), random.random() < 0.35
    ground = plain(full_width, full_height, colour)
    if soft:
        ground = as_pixels(
            cv2.GaussianBlur(resized(pixels, full_width, full_height), (0, 0), max(full_width, full_height) / 24)
        )
    left, upper = (full_width - width) // 2, (full_height - height) // 2
    ground[upper : upper + height, left : left + width] = pixels
    return ground


def on_photo(pixels: Pixels, random: Random, others: Others) -> Pixels:
    """Pasted on another photo, of which it covers a fifth to four fifths."""
    ground = others(random).copy()
    height, width = ground.shape[:2]
    share = random.uniform(0.2, 0.8) ** 0.5
    right, down, keeps_shape = random.random(), random.random(), random.random() < 0.5
    across, along = width * share, height * share
    if keeps_shape:
        factor = min(across / pixels.shape[1], along / pixels.shape[0])
        across, along = pixels.shape[1] * factor, pixels.shape[0] * factor
    inner = resized(pixels, across, along)[:height, :width]
    upper, left = round(down * (height - inner.shape[0])), round(right * (width - inner.shape[1]))
    ground[upper : upper + inner.shape[0], left : left + inner.shape[1]] = inner
    return ground


def beside_photos(pixels: Pixels, random: Random, others: Others) -> Pixels:
    """A collage of two or four, with or without a gap between them."""
    side, gap = 144, random.choice((0, random.randint(2, 10)))
    columns, rows = random.choice(((2, 1), (1, 2), (2, 2)))
    page = plain(columns * side + (columns - 1) * gap, rows * side + (rows - 1) * gap, plain_colour(random))
    chosen = random.randrange(columns * rows)
    for place in range(columns * rows):
        left, upper = (place % columns) * (side + gap), (place // columns) * (side + gap)
        cell = pixels if place == chosen else others(random)
        page[upper : upper + side, left : left + side] = squeezed(cell, side)
    return page


def stamped(pixels: Pixels, random: Random, _: Others) -> Pixels:
    """One large logo in a corner, a fifth to two fifths of the shorter side."""
    out, (height, width) = pixels.copy(), pixels.shape[:2]
    mark = plain(96, 96, any_colour(random))
    for _number in range(random.randint(1, 3)):
        corners = [(random.randint(4, 92), random.randint(4, 92)) for _ in range(random.randint(3, 8))]
        cv2.fillPoly(mark, [np.array(corners, np.int32)], any_colour(random), cv2.LINE_AA)
    write(mark, words(random, 5, 9), (6, random.randint(30, 90)), 14, plain_colour(random), font=random.choice(FONTS))
    logo = squeezed(mark, round(min(height, width) * random.uniform(0.2, 0.4)))
    strength = random.choice((1.0, 1.0, random.uniform(0.5, 1.0)))
    left, upper = random.choice((4, width - len(logo) - 4)), random.choice((4, height - len(logo) - 4))
    hole = out[upper : upper + len(logo), left : left + len(logo)]
    hole[:] = faded(logo[: hole.shape[0], : hole.shape[1]], hole, strength)
    return out


TEMPLATES: dict[Template, float] = {
    phone_screen: 5,
    window: 2,
    caption_card: 3,
    bordered: 4,
    filled_up: 2,
    on_photo: 8,
    beside_photos: 1,
    stamped: 2,
}
"""How often each is drawn, against the others. Pasted and posted pictures are what the untrained vector misses most."""
