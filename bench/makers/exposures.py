"""Second exposures from one spot: real photos as scenes, real things moved through them, each shot as a camera sees it.

A scene is a photo brought down to half its size, so that the noise and the compression it came with are gone. A shot is
that scene with things in it, in linear light, through fresh noise, a Bayer pattern, demosaicing and JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from makers.truth import Made, opened, written

Pixels = npt.NDArray[np.float64]
_BAYER = ((0, 1), (1, 2))
"""Which colour the sensor has at each place of a 2 x 2 tile."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What a shot goes through; the same for all shots of a series but for exposure and focus."""

    noise: float
    """Standard deviation of shot noise at white, in levels of 0-1; read noise is a fifth of it."""
    quality: int
    side: int
    """Longer side of the picture that is saved."""


def make(photos: Sequence[Path], series: int, shots: int, seed: int, folder: Path) -> Iterator[Made]:
    """`series` scenes by turns of tripod, burst, time-lapse, bracket, focus and door; each of `shots` shots.

    The first shot of each is saved again in other ways too: those are copies and must be found.
    """
    kinds = ("tripod", "burst", "timelapse", "bracket", "focus", "door")
    for number in range(series):
        rng = np.random.default_rng([seed, number])
        scene = _scene(photos[number % len(photos)], rng)
        things = [_thing(photos[(number + step) % len(photos)], rng) for step in (7, 11, 13)]
        kind = kinds[number % len(kinds)]
        camera = Camera(
            float(rng.choice((0.01, 0.02, 0.04))), int(rng.choice((75, 85, 92, 97))), int(rng.choice((480, 800, 1200)))
        )
        group = f"{kind}{number:04d}"
        for place in range(shots):
            light = _arranged(
                kind, scene, things, place=place, shots=shots, rng=np.random.default_rng([seed, number, 1])
            )
            shot = _taken(light, camera, np.random.default_rng([seed, number, 2, place]))
            name = written(folder, f"{group}/{place}.jpg", shot, quality=camera.quality)
            yield Made(name, group, f"{number}/{place}", kind, source=place == 0)
            if place == 0:
                for copy, (image, quality) in _copies(shot).items():
                    saved = written(folder, f"{group}/0_{copy}.jpg", image, quality=quality)
                    yield Made(saved, group, f"{number}/0", f"of_series_{copy}")


def _copies(shot: Image.Image) -> dict[str, tuple[Image.Image, int]]:
    half = shot.resize((shot.width // 2, shot.height // 2), Image.Resampling.LANCZOS)
    box = (shot.width // 12, shot.height // 12, shot.width, shot.height)
    return {"quality_50": (shot, 50), "half": (half, 85), "cropped": (shot.crop(box), 85)}


def _linear(image: Image.Image) -> Pixels:
    return np.asarray((np.asarray(image, np.float64) / 255) ** 2.2)


def _scene(path: Path, rng: np.random.Generator) -> Pixels:
    """Larger than what is saved where the photo allows, with detail down to the pixel."""
    image = opened(path)
    image.thumbnail((2400, 2400), Image.Resampling.LANCZOS)
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    grown = half if max(half.size) > 500 else half.resize(image.size, Image.Resampling.BICUBIC)
    light = _linear(grown)
    texture = cv2.GaussianBlur(rng.normal(0, 1, light.shape[:2]), (0, 0), 0.8)
    return np.clip(light * (1 + 0.06 * texture[..., None]), 0, 1)  # grain of the world, the same in every shot


def _thing(path: Path, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A part of another photo with a soft outline, as (light, how much of it is there)."""
    light = _linear(opened(path).resize((220, 260), Image.Resampling.BOX))
    y, x = np.mgrid[-1:1:260j, -1:1:220j]
    bumps = 1 + 0.15 * np.sin(np.arctan2(y, x) * rng.integers(3, 7) + rng.uniform(0, 6))
    outline = 1 / (1 + np.exp((np.hypot(x, y) / bumps - 0.8) * 40))
    return light, outline


def _arranged(
    kind: str,
    scene: Pixels,
    things: Sequence[tuple[Pixels, Pixels]],
    *,
    place: int,
    shots: int,
    rng: np.random.Generator,
) -> Pixels:
    """The light of one moment. `rng` is that of the series: everything but `place` is the same in every shot."""
    if kind == "bracket":
        return np.asarray(scene * 2.0 ** (1.2 * (place - shots // 2)))
    if kind == "focus":
        return _focused(scene, place / max(1, shots - 1))
    light = scene.copy()
    count = {"tripod": 2, "burst": 1, "timelapse": 3, "door": 1}[kind]
    for number in range(count):
        height = float(rng.uniform(*((0.05, 0.12) if kind == "burst" else (0.12, 0.4)))) * scene.shape[0]
        start, way = rng.uniform(0.1, 0.9, 2), rng.normal(0, 1, 2)
        step = {"tripod": 0.25, "burst": 0.03, "timelapse": 0.15, "door": 0.35}[kind]
        if kind == "door" and place == 0:
            continue
        middle = (start + way / np.hypot(*way) * step * place) % 1.0
        _put(light, *things[number], height, middle)
    if kind == "timelapse":
        light *= 1 + 0.05 * place
    return light


def _put(light: Pixels, thing: Pixels, outline: Pixels, height: float, middle: npt.NDArray[np.float64]) -> None:
    tall, wide = max(6, round(height)), max(6, round(height * 0.85))
    small, mask = (
        cv2.resize(thing, (wide, tall), interpolation=cv2.INTER_AREA),
        cv2.resize(outline, (wide, tall))[..., None],
    )
    top = int(np.clip(middle[1] * light.shape[0] - tall / 2, 0, light.shape[0] - tall))
    left = int(np.clip(middle[0] * light.shape[1] - wide / 2, 0, light.shape[1] - wide))
    box = light[top : top + tall, left : left + wide]
    box[:] = box * (1 - mask) + small * mask


def _focused(scene: Pixels, depth: float) -> Pixels:
    """Sharp at one height of the picture, softer away from it."""
    far = np.abs(np.linspace(0, 1, scene.shape[0]) - depth)[:, None, None]
    soft, softer = cv2.GaussianBlur(scene, (0, 0), 1.5), cv2.GaussianBlur(scene, (0, 0), 4)
    first, second = np.clip(far / 0.3, 0, 1), np.clip((far - 0.3) / 0.4, 0, 1)
    return np.asarray((scene * (1 - first) + soft * first) * (1 - second) + softer * second)


def _taken(light: Pixels, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """Through sensor, demosaicing and scaling, to the picture that the camera saves."""
    light = light[: light.shape[0] // 2 * 2, : light.shape[1] // 2 * 2]
    read = 0.2 * camera.noise
    seen = light + rng.normal(0, 1, light.shape) * np.sqrt(camera.noise**2 * np.clip(light, 0, 1) + read**2)
    mosaic = np.empty(light.shape[:2])
    for row in (0, 1):
        for column in (0, 1):
            mosaic[row::2, column::2] = seen[row::2, column::2, _BAYER[row][column]]
    raw = np.clip(mosaic * 4095, 0, 4095).astype(np.uint16)
    colours = np.clip(cv2.cvtColor(raw, cv2.COLOR_BayerBG2RGB).astype(np.float64) / 4095, 0, 1)
    image = Image.fromarray((colours ** (1 / 2.2) * 255).round().astype(np.uint8))
    image.thumbnail((camera.side, camera.side), Image.Resampling.LANCZOS)
    return image
