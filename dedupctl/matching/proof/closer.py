"""A closer look at two pictures that lie on each other: is it one exposure, and what was put in the place of what?

On thumbnails a second exposure from a tripod, a video's next frame or another photo in the same page look like copies:
all that the two share agrees. Two things tell them apart. In the place of what moved, both show natural detail, and
nothing of the one shows through in the other; what people put on a copy is drawn, or lets it show through. And noise
agrees in copies alone, as far as saving allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dedupctl.domain import Closer, FloatArray
from dedupctl.matching.proof.detail import Correlation, correlate, fine_detail, is_natural
from dedupctl.matching.proof.frame import Flags, Shared, View, cut, shared_frame, toned
from dedupctl.matching.proof.geometry import Matrix
from dedupctl.matching.proof.saving import reduced_steps, saved_like, strength_of

FINE_WINDOW = 24
"""Side of the windows in which fine detail is compared: 16 px hold too few grains of noise."""
_LEAST_WINDOWS = 8
_BLUR = 1.5
_TEXTURED = 4.0
"""Grey levels a window must vary by to show detail."""
_DIFFERS = 0.5
"""Correlation of the detail of two windows below which they show different things."""
_OTHER_BRIGHTNESS = 18.0
"""Grey levels, in one tone, from which a window was painted over."""
_SHOWS_THROUGH = 0.35
"""Mean correlation of the nine squares of a window from which one picture is seen through what lies on it. Under words,
stripes and rain it is .6 and more; where a person moved, .1."""
_SQUARE_TEXTURED = 1.5
_ALLOWED = 0.7
"""Correlation that saving must leave between a picture and itself for its fine detail to be judged by."""
_SHARP = 1.5
"""Grey levels of fine detail from which a window can be sharp at all."""
_SHARPER = 0.35
"""Natural logarithm of how many times more fine detail one shows, from which it is the sharper one."""
_FINE = 0.7
"""Grey levels below which fine detail is rounding."""


@dataclass(frozen=True, slots=True)
class _Differences:
    windows: Flags
    scene: Flags
    """Those in which both show natural detail and nothing of one is seen in the other."""
    natural_a: float
    natural_b: float


def look_closer_at(a: View, b: View, matrix: Matrix) -> Closer:
    """What can be seen of both in one frame. `matrix` maps full pixels of A to full pixels of B."""
    frame = shared_frame(a, b, matrix)
    shared = frame.windows
    count = int(np.count_nonzero(shared))
    if count < _LEAST_WINDOWS:
        return Closer(windows=count)
    a_as_b = toned(frame.a, frame.b, frame.inside)
    found = _differences(frame, a_as_b, shared)
    kept = _kept(frame, a_as_b, a, b, found.windows)
    return Closer(
        windows=count,
        natural_a=round(found.natural_a, 4),
        natural_b=round(found.natural_b, 4),
        differing=int(np.count_nonzero(found.windows)),
        scene=int(np.count_nonzero(found.scene)),
        scene_region=_largest(found.scene),
        relit=round(_relit(frame, a_as_b), 2),
        each_sharper=round(_each_sharper(frame, a_as_b, found.windows), 4),
        kept=None if kept is None else round(kept[0], 4),
        kept_low=None if kept is None else round(kept[1], 4),
        fine_windows=None if kept is None else kept[2],
    )


def _differences(frame: Shared, a: FloatArray, shared: Flags) -> _Differences:
    detail = correlate(_softened(a, _BLUR), _softened(frame.b, _BLUR), frame.window)
    textured = shared & (detail.stronger > _TEXTURED)
    apart = np.abs(_softened(a, 3.0) - _softened(frame.b, 3.0))
    other_detail = textured & (detail.ncc < _DIFFERS)
    painted = shared & (cut(apart, frame.window).mean(axis=(2, 3)) > _OTHER_BRIGHTNESS)
    natural_a, natural_b = is_natural(frame.a, frame.window), is_natural(frame.b, frame.window)
    seen_through = _seen_through(a, frame.b, frame.window, shared.shape)
    return _Differences(
        windows=other_detail | painted,
        scene=other_detail & natural_a & natural_b & ~seen_through,
        natural_a=float(np.mean(natural_a[textured])) if textured.any() else 0.0,
        natural_b=float(np.mean(natural_b[textured])) if textured.any() else 0.0,
    )


def _softened(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _seen_through(a: FloatArray, b: FloatArray, window: int, shape: tuple[int, ...]) -> Flags:
    """Windows in whose squares of a third the two agree, or in which too few squares hold detail of both to say."""
    squares = correlate(_softened(a, 1.0), _softened(b, 1.0), window // 3)
    ncc, weaker = (_by_nine(values, shape) for values in (squares.ncc, squares.weaker))
    rich = weaker > _SQUARE_TEXTURED
    count = np.count_nonzero(rich, axis=2)
    mean = np.where(rich, ncc, 0).sum(axis=2) / np.maximum(count, 1)
    return np.asarray((count < 4) | (mean >= _SHOWS_THROUGH))


def _by_nine(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    rows, columns = shape[0], shape[1]
    nine = values[: 3 * rows, : 3 * columns].reshape(rows, 3, columns, 3)
    return np.asarray(nine.swapaxes(1, 2).reshape(rows, columns, 9))


def _largest(marked: Flags) -> int:
    """Windows of the largest region, corners counting as neighbours."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    return int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def _relit(frame: Shared, a_as_b: FloatArray) -> float:
    """Grey levels by which the tone curve moves the typical pixel once a change of brightness alone is taken out."""
    inside = frame.inside > 0
    return float(np.median(np.abs(a_as_b[inside] - frame.a[inside])))


def _each_sharper(frame: Shared, a_as_b: FloatArray, differing: Flags) -> float:
    """Share of the windows in which A is sharper, or B, whichever has fewer."""
    detail = correlate(fine_detail(a_as_b), fine_detail(frame.b), frame.window)
    judged = frame.windows & ~differing & (detail.stronger > _SHARP)
    if np.count_nonzero(judged) < _LEAST_WINDOWS:
        return 0.0
    ratio = np.log((detail.deviation_a[judged] + 0.3) / (detail.deviation_b[judged] + 0.3))
    return float(min(np.mean(ratio > _SHARPER), np.mean(ratio < -_SHARPER)))


def _kept(frame: Shared, a_as_b: FloatArray, a: View, b: View, differing: Flags) -> tuple[float, float, int] | None:
    """Median and lower quartile of the fine detail shared, over what saving allows; and windows it rests on.

    None where saving left too little to say.
    """
    shared = np.asarray(cut(frame.inside, FINE_WINDOW).min(axis=(2, 3)) > 0)
    if np.count_nonzero(shared) < _LEAST_WINDOWS:
        return None
    b_as_a = toned(frame.b, frame.a, frame.inside)
    found = correlate(fine_detail(a_as_b), fine_detail(frame.b), FINE_WINDOW)
    steps_a = reduced_steps(a.quantization, frame.reduction_a)
    steps_b = reduced_steps(b.quantization, frame.reduction_b)
    again_b = saved_like(a_as_b, strength_of(frame.b, shared), steps_b, shared)
    again_a = saved_like(b_as_a, strength_of(frame.a, shared), steps_a, shared)
    allowed = np.minimum(_own(a_as_b, again_b).ncc, _own(b_as_a, again_a).ncc)
    undisturbed = ~_spread(differing, frame.window, shared.shape)
    judged = shared & undisturbed & (allowed > _ALLOWED) & (found.weaker > _FINE)
    if np.count_nonzero(judged) < _LEAST_WINDOWS:
        return None
    share = np.minimum(found.ncc[judged] / allowed[judged], 1.0)
    return float(np.median(share)), float(np.quantile(share, 0.25)), int(np.count_nonzero(judged))


def _own(picture: FloatArray, again: FloatArray) -> Correlation:
    return correlate(fine_detail(picture), fine_detail(again), FINE_WINDOW)


def _spread(differing: Flags, window: int, shape: tuple[int, ...]) -> Flags:
    """The windows of fine detail that touch one of these, or its neighbours."""
    pixels = np.kron(
        cv2.dilate(differing.astype(np.uint8), np.ones((3, 3), np.uint8)), np.ones((window, window), np.uint8)
    )
    height, width = shape[0] * FINE_WINDOW, shape[1] * FINE_WINDOW
    full = np.zeros((height, width), np.uint8)
    rows, columns = min(height, pixels.shape[0]), min(width, pixels.shape[1])
    full[:rows, :columns] = pixels[:rows, :columns]
    return np.asarray(cut(full, FINE_WINDOW).max(axis=(2, 3)) > 0)
