"""What saving takes from a picture, done again: JPEG's rounding with the steps of a file, and softening.

How much fine detail a copy can still share with its source is not guessed from a quality. The other side is saved once
more the same way, and what is left of its own detail is what a copy would show. For a picture saved at quality 10 this
foretells .39 where .40 is measured, at quality 85 .97 of .97.
"""

from __future__ import annotations

import cv2
import numpy as np

from dedupctl.domain import FloatArray
from dedupctl.matching.proof.detail import deviation_of, fine_detail
from dedupctl.matching.proof.frame import Flags

_SOFTENINGS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
_SOFTER = 1.15
"""How many times stronger the fine detail of one must be before the other counts as softened."""


def saved_like(picture: FloatArray, strength: float, steps: tuple[int, ...] | None, shared: Flags) -> FloatArray:
    """The picture, softened until its fine detail is as weak as the other's, and rounded as its JPEG was.

    Args:
        strength: of the other's fine detail, see `strength_of`.
        steps: the other's quantization, already brought to the size of this frame.
        shared: windows of 24 px that count.
    """
    softened = _softened(picture, strength, shared)
    return np.rint(softened) if steps is None else rounded(softened, steps)


def strength_of(picture: FloatArray, shared: Flags) -> float:
    """Median deviation of the fine detail over windows of 24 px, in grey levels."""
    return float(np.median(deviation_of(fine_detail(picture), 24)[shared]))


def _softened(picture: FloatArray, strength: float, shared: Flags) -> FloatArray:
    """Blurred by the smallest of the sigmas that leaves fine detail no stronger than this; halving the list."""
    if strength_of(picture, shared) <= _SOFTER * strength:
        return picture
    first, last = 0, len(_SOFTENINGS) - 1
    while first < last:
        middle = (first + last) // 2
        softer = cv2.GaussianBlur(picture, (0, 0), _SOFTENINGS[middle])
        if strength_of(np.asarray(softer, np.float32), shared) <= strength:
            last = middle
        else:
            first = middle + 1
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _SOFTENINGS[first]), np.float32)


def rounded(picture: FloatArray, steps: tuple[int, ...]) -> FloatArray:
    """The picture after JPEG's cosine transform, rounded to these 64 steps (row by row) in blocks of 8 px."""
    height, width = picture.shape
    full = np.pad(picture - 128, ((0, -height % 8), (0, -width % 8)), mode="edge")
    rows, columns = full.shape[0] // 8, full.shape[1] // 8
    blocks = full.reshape(rows, 8, columns, 8).swapaxes(1, 2)
    table = np.array(steps, np.float32).reshape(8, 8)
    waves = _COSINES @ blocks @ _COSINES.T
    back = _COSINES.T @ (np.rint(waves / table) * table) @ _COSINES
    whole = back.swapaxes(1, 2).reshape(full.shape)[:height, :width]
    return np.clip(np.rint(whole + 128), 0, 255).astype(np.float32)


def reduced_steps(steps: tuple[int, ...] | None, reduction: float) -> tuple[int, ...] | None:
    """The steps as they act on a picture shown `reduction` times smaller: what rounding adds is averaged away."""
    if steps is None or reduction <= 1:
        return steps
    return tuple(max(1, round(step / reduction)) for step in steps)


def _cosines() -> FloatArray:
    frequency, place = np.mgrid[0:8, 0:8]
    waves = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, np.float32)


_COSINES = _cosines()
