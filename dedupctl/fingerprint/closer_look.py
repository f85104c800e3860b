"""A closer look at a file: its fine detail, which the thumbnail has lost, and what the camera recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from dedupctl.domain import GrayArray, Unreadable
from dedupctl.fingerprint.capture import Capture, capture_of
from dedupctl.fingerprint.decode import shrunk
from dedupctl.fingerprint.digest import open_steady
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.unreadable import DEFAULT_LIMITS, Limits, ignoring_warnings, unreadable_from

CLOSER_SIDE = 1200
"""Longer side in pixels. A second exposure differs from a copy in its noise, which each reduction weakens. At 1,200 the
noise of a 12-megapixel photo is still measurable, and a JPEG can be decoded at half or a quarter of its size."""


@dataclass(frozen=True, slots=True)
class CloserLook:
    gray: GrayArray
    """The whole picture as shown, with a longer side of at most `CLOSER_SIDE`."""
    quantization: tuple[int, ...] | None
    """The 64 luminance quantisation steps of a JPEG, row by row; None for other formats."""
    capture: Capture


def look_closer(path: bytes, limits: Limits = DEFAULT_LIMITS) -> CloserLook | Unreadable:
    """Decode a file again, at a larger size than its thumbnail."""
    try:
        with ignoring_warnings(), open_steady(path) as (file, _):
            opened = open_picture(file, limits)
            steps = _quantization(opened.image)
            shown = shrunk(opened, file, lambda size: max(1, max(size) // CLOSER_SIDE), limits).convert("L")
            return CloserLook(np.asarray(_reduced(shown), np.uint8), steps, capture_of(opened.exif))
    except Exception as error:  # decoders raise exceptions of any kind
        return unreadable_from(error)


def _reduced(image: Image.Image) -> Image.Image:
    scale = CLOSER_SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _quantization(image: Image.Image) -> tuple[int, ...] | None:
    tables = getattr(image, "quantization", None) or {}
    steps = tuple(int(step) for step in tables.get(0, ()))
    return steps if len(steps) == 64 and min(steps) > 0 else None
