"""What people draw on a picture: words, faces, shapes, stamps and other photos. Everything is drawn on a copy."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

import cv2
import numpy as np

from .pictures import Colour, Others, Pixels, any_colour, as_pixels, resized

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
LETTER_HEIGHT = 22
"""Height in pixels of a capital letter of these fonts at scale 1."""
SIGNS = ascii_letters + digits + "    .,!?@#"


def words(random: Random, least: int = 4, most: int = 18) -> str:
    """Signs in a row, with gaps. What they say is no matter: at the size of a view nobody can read them."""
    return "".join(random.choices(SIGNS, k=random.randint(least, most)))


def write(
    pixels: Pixels, text: str, place: tuple[int, int], height: float, colour: Colour, *, font: int = FONTS[0]
) -> None:
    """Write into `pixels`; `place` is the lower left corner, `height` that of a capital letter, in pixels."""
    scale = max(0.2, height / LETTER_HEIGHT)
    cv2.putText(pixels, text, place, font, scale, colour, max(1, round(1.6 * scale)), cv2.LINE_AA)


def lettering(pixels: Pixels, random: Random) -> Pixels:
    """A caption on the picture itself: one to four lines, often white with a dark outline."""
    out, (height, width) = pixels.copy(), pixels.shape[:2]
    for _ in range(random.randint(1, 4)):
        size = height * random.uniform(0.03, 0.12)
        place = random.randint(-width // 8, width // 2), random.randint(height // 10, height)
        colour = (255, 255, 255) if random.random() < 0.5 else any_colour(random)
        text, font = words(random), random.choice(FONTS)
        if random.random() < 0.6:
            write(out, text, (place[0] + 1, place[1] + 1), size, (0, 0, 0), font=font)
            write(out, text, (place[0] - 1, place[1] - 1), size, (0, 0, 0), font=font)
        write(out, text, place, size, colour, font=font)
    return out


def watermark(pixels: Pixels, random: Random) -> Pixels:
    """Faint words, once or tiled over the whole picture."""
    drawn, (height, width) = pixels.copy(), pixels.shape[:2]
    text, size, font = words(random, 6, 14), height * random.uniform(0.04, 0.12), random.choice(FONTS)
    colour = random.choice(((255, 255, 255), (0, 0, 0)))
    if random.random() < 0.5:
        place = random.randint(0, width // 2), random.randint(height // 8, height)
        write(drawn, text, place, size, colour, font=font)
    else:
        for row in range(round(size), height + 1, max(8, round(3 * size))):
            write(drawn, f"{text}   {text}", (-random.randint(0, width // 4), row), size, colour, font=font)
    return faded(drawn, pixels, random.uniform(0.25, 0.7))


def stickers(pixels: Pixels, random: Random) -> Pixels:
    """One to three faces, hearts of colour, boxes or splinters, covering up to half of a side each."""
    drawn, (height, width) = pixels.copy(), pixels.shape[:2]
    for _ in range(random.randint(1, 3)):
        side = max(6, round(min(height, width) * random.uniform(0.1, 0.5)))
        left, upper = random.randint(0, max(0, width - side)), random.randint(0, max(0, height - side))
        kind = random.random()
        if kind < 0.5:
            face(drawn, left, upper, side, random)
        elif kind < 0.75:
            lower = upper + round(side * random.uniform(0.2, 1))
            cv2.rectangle(drawn, (left, upper), (left + side, lower), any_colour(random), -1)
        else:
            corners = [
                (left + random.randint(0, side), upper + random.randint(0, side)) for _ in range(random.randint(3, 6))
            ]
            cv2.fillPoly(drawn, [np.array(corners, np.int32)], any_colour(random), cv2.LINE_AA)
    return drawn if random.random() < 0.7 else faded(drawn, pixels, random.uniform(0.4, 1))


def face(pixels: Pixels, left: int, upper: int, side: int, random: Random) -> None:
    """A round face, mostly yellow, drawn into `pixels`."""
    skin = (255, random.randint(180, 230), random.randint(20, 80)) if random.random() < 0.6 else any_colour(random)
    dark = (60, 40, 10)
    middle = left + side // 2, upper + side // 2
    cv2.circle(pixels, middle, side // 2, skin, -1, cv2.LINE_AA)
    for across in (-0.16, 0.16):
        eye = round(middle[0] + across * side), round(middle[1] - 0.1 * side)
        cv2.circle(pixels, eye, max(1, round(0.06 * side)), dark, -1, cv2.LINE_AA)
    mouth = round(0.28 * side), round(side * random.uniform(0.05, 0.25))
    start, end = (20, 160) if random.random() < 0.8 else (200, 340)
    thick = -1 if random.random() < 0.3 else max(1, side // 20)
    cv2.ellipse(pixels, (middle[0], middle[1] + round(0.08 * side)), mouth, 0, start, end, dark, thick, cv2.LINE_AA)


def stripes(pixels: Pixels, random: Random) -> Pixels:
    """Bars of one colour across the whole picture, upright or level."""
    out = pixels.copy()
    canvas = out if random.random() < 0.5 else out.transpose(1, 0, 2)
    pitch = len(canvas) / random.randint(3, 12)
    thickness = max(1, round(pitch * random.uniform(0.1, 0.3)))
    colour = any_colour(random)
    for start in np.arange(pitch / 2, len(canvas), pitch):
        canvas[int(start) : int(start) + thickness] = colour
    return out


def inset(pixels: Pixels, random: Random, others: Others) -> Pixels:
    """Another photo on this one, covering up to a third of it, sometimes shining through."""
    out, (height, width) = pixels.copy(), pixels.shape[:2]
    share = random.uniform(0.2, 0.57)
    small = resized(others(random), width * share, height * share)[:height, :width]
    upper, left = random.randint(0, height - small.shape[0]), random.randint(0, width - small.shape[1])
    hole = out[upper : upper + small.shape[0], left : left + small.shape[1]]
    hole[:] = small if random.random() < 0.7 else faded(small, hole, random.uniform(0.4, 0.9))
    return out


def faded(above: Pixels, below: Pixels, strength: float) -> Pixels:
    """`above` laid over `below`, 1 = nothing of `below` is seen."""
    return as_pixels(cv2.addWeighted(above, strength, below, 1 - strength, 0))
