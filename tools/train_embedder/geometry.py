"""Edits that move pixels: crops, turns, mirrors, perspective, and the shift of near things against far ones."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np
import numpy.typing as npt

from .pictures import Edit, Pixels, any_colour, as_pixels, plain_colour

WIDEST, NARROWEST = 1.6, 1 / 1.6
"""Limits of a crop's ratio of sides against the picture's."""


def cropping(least_area: float, most_area: float = 1.0) -> Edit:
    """A crop anywhere, of a share of the area between these two and of nearly any shape."""

    def crop(pixels: Pixels, random: Random) -> Pixels:
        height, width = pixels.shape[:2]
        area = random.uniform(least_area, most_area)
        stretch = np.exp(random.uniform(np.log(max(NARROWEST, area)), np.log(min(WIDEST, 1 / area))) / 2)
        new_width = min(width, max(1, round(width * area**0.5 * stretch)))
        new_height = min(height, max(1, round(height * area**0.5 / stretch)))
        left, upper = random.randint(0, width - new_width), random.randint(0, height - new_height)
        return pixels[upper : upper + new_height, left : left + new_width]

    return crop


def mirror(pixels: Pixels, _: Random) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def flip(pixels: Pixels, _: Random) -> Pixels:
    return np.ascontiguousarray(pixels[::-1])


def quarter_turn(pixels: Pixels, random: Random) -> Pixels:
    """By 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(pixels, random.randint(1, 3)))


def turning(most_degrees: float) -> Edit:
    """Turned by any angle up to this; the corners are filled, mirrored or cut off."""

    def turn(pixels: Pixels, random: Random) -> Pixels:
        height, width = pixels.shape[:2]
        degrees = random.uniform(-most_degrees, most_degrees)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        new_width, new_height = width, height
        if random.random() < 0.5:
            cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
            new_width, new_height = round(height * sine + width * cosine), round(height * cosine + width * sine)
            matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
        border = cv2.BORDER_REFLECT if random.random() < 0.25 else cv2.BORDER_CONSTANT
        fill = plain_colour(random)
        turned = cv2.warpAffine(pixels, matrix, (new_width, new_height), borderMode=border, borderValue=fill)
        return as_pixels(turned)

    return turn


def perspective(pixels: Pixels, random: Random) -> Pixels:
    """Seen from aside, as a photo of a screen or a print: every corner moves inwards by up to a fifth."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    share = np.array([[random.uniform(0, 0.2), random.uniform(0, 0.2)] for _ in corners], np.float32)
    moved = corners + inwards * share * np.array([width, height], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return as_pixels(cv2.warpPerspective(pixels, matrix, (width, height), borderValue=plain_colour(random)))


def shear(pixels: Pixels, random: Random) -> Pixels:
    """Stretched along one side and slanted, as by a careless resize."""
    height, width = pixels.shape[:2]
    slant = random.uniform(-0.2, 0.2)
    matrix = np.array([[1, slant, max(0.0, -slant) * height], [0, 1, 0]], np.float32)
    size = round(width + abs(slant) * height), height
    return as_pixels(cv2.warpAffine(pixels, matrix, size, borderValue=any_colour(random)))


def parallax(pixels: Pixels, depth: npt.NDArray[np.float32], across: float, down: float) -> Pixels:
    """The scene from a step aside: what is near moves, what is far stays.

    Args:
        depth: of each pixel, shape (height, width), 0 = far, 1 = near; smooth, so that nothing tears.
        across, down: how far the nearest pixel moves, in pixels.
    """
    height, width = pixels.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        pixels,
        xs - np.float32(across) * depth,
        ys - np.float32(down) * depth,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return as_pixels(moved)


def smooth_field(random: Random, width: int, height: int, cells: int) -> npt.NDArray[np.float32]:
    """A random surface between 0 and 1 with about `cells` hills across, shape (height, width)."""
    numbers = np.random.default_rng(random.getrandbits(64))
    coarse = numbers.random((cells + 2, cells + 2), np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    lowest, highest = float(field.min()), float(field.max())
    return np.asarray((field - lowest) / max(highest - lowest, 1e-6), np.float32)
