"""Edits that keep every pixel at its place: light, colour, sharpness, noise, and saving again."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np

from .pictures import Edit, Pixels, as_pixels, resized

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)."""
SEPIA = np.array([1.07, 0.95, 0.75], np.float32)


def brightness(pixels: Pixels, random: Random) -> Pixels:
    return as_pixels(pixels * np.float32(random.uniform(0.45, 1.7)))


def contrast(pixels: Pixels, random: Random) -> Pixels:
    mean = np.float32(pixels.mean())
    return as_pixels((pixels - mean) * np.float32(random.uniform(0.4, 1.8)) + mean)


def gamma(pixels: Pixels, random: Random) -> Pixels:
    levels = 255 * (np.arange(256) / 255) ** random.uniform(0.5, 2.0)
    return as_pixels(cv2.LUT(pixels, levels.astype(np.uint8)))


def saturation(pixels: Pixels, random: Random) -> Pixels:
    grey = (pixels @ LUMA)[..., np.newaxis]
    return as_pixels(grey + (pixels - grey) * np.float32(random.uniform(0.0, 2.2)))


def white_balance(pixels: Pixels, random: Random) -> Pixels:
    return as_pixels(pixels * np.array([random.uniform(0.7, 1.3) for _ in range(3)], np.float32))


def hue(pixels: Pixels, random: Random) -> Pixels:
    """Turned by up to 40 degrees; OpenCV counts hue in steps of two degrees."""
    shown = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    shown[..., 0] = (shown[..., 0].astype(np.int16) + random.randint(-20, 20)) % 180
    return as_pixels(cv2.cvtColor(shown, cv2.COLOR_HSV2RGB))


def grey(pixels: Pixels, random: Random) -> Pixels:
    """Grey, sometimes sepia."""
    values = (pixels @ LUMA)[..., np.newaxis]
    return as_pixels(values * (SEPIA if random.random() < 0.2 else np.ones(3, np.float32)))


TONES: tuple[Edit, ...] = (brightness, contrast, gamma, saturation, white_balance, hue)


def any_tone(pixels: Pixels, random: Random) -> Pixels:
    return random.choice(TONES)(pixels, random)


def blur(pixels: Pixels, random: Random) -> Pixels:
    """Out of focus, or enlarged from a thumbnail, smoothly or in squares."""
    height, width = pixels.shape[:2]
    if random.random() < 0.6:
        return as_pixels(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.6, max(0.7, max(height, width) / 70))))
    factor = random.uniform(0.12, 0.4)
    small = resized(pixels, width * factor, height * factor)
    grows = random.choice((cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC))
    return as_pixels(cv2.resize(small, (width, height), interpolation=grows))


def sharpen(pixels: Pixels, random: Random) -> Pixels:
    """Unsharp mask: what a blur takes away, added once or twice more."""
    amount = random.uniform(0.5, 2.0)
    soft = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.8, 2.0))
    return as_pixels(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0))


def noise(pixels: Pixels, random: Random) -> Pixels:
    """A sensor's, with a deviation of 4 to 25 levels."""
    numbers = np.random.default_rng(random.getrandbits(64))
    return as_pixels(pixels + numbers.standard_normal(pixels.shape, np.float32) * np.float32(random.uniform(4, 25)))


def posterise(pixels: Pixels, random: Random) -> Pixels:
    """Few levels a colour, as in a GIF."""
    step = 256 // random.randint(4, 12)
    return as_pixels(pixels // step * step + step // 2)


def saved_again(pixels: Pixels, random: Random) -> Pixels:
    """Through a JPEG of low quality."""
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, random.randint(6, 70)])
    return as_pixels(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)))
