"""A closer look at two pictures that lie on each other: is it one exposure, and what was put in the place of what?

On thumbnails a second exposure from a tripod, a video's next frame or another photo in the same page look like copies:
all that the two share agrees. Two things tell them apart. In the place of what moved, both show natural detail, and
nothing of the one shows through in the other; what people put on a copy is drawn, or lets it show through. And noise
agrees in copies alone, as far as saving allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from dedupctl.domain import Closer, FloatArray, GrayArray
from dedupctl.matching.proof.detail import (
    Correlation,
    correlate,
    fine_detail,
    in_two_tones,
    is_even,
    is_natural,
    means_of,
)
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
_DIFFERS_FOR_CERTAIN = 0.35
_RICH = 9.0
"""Grey levels a window of half the side must vary by to show something of its own."""
_MOST_REGIONS = 40
_STROKES = 6.0
"""Grey levels a window must vary by to hold a stroke; what JPEG leaves around letters varies less once blurred."""
_OTHER_BRIGHTNESS = 18.0
"""Grey levels, in one tone, from which a window was painted over."""
RELIT = 6.0
"""Grey levels of the typical pixel from which the light is another."""
_DARKEST, _BRIGHTEST = 20.0, 238.0
"""Grey levels beyond which another light leaves no detail."""
_CHANGED = 12.0
"""Grey levels by which a pixel must differ, in one tone, to have been changed."""
_LEAST_CHANGED = 12
"""Pixels; a region of fewer has no face of its own."""
_LEAST_INNER = 40
_SEEN_THROUGH = 0.5
"""Correlation of the detail of changed pixels from which one picture is seen through what lies on it."""
_OWN_BORDER, _STEEP = 1.5, 60.0
"""How many times steeper the one with something laid on it is along the border of that, and how steep at least: letters
and stickers have 70 and more, what moves before a camera has a border in both."""
_TWO_TONES, _AT_EXTREMES, _TRANSLUCENT = 0.60, 0.60, 0.30
"""Shares of changed pixels in two tones, or at the dark and the bright end, from which they were drawn; and correlation
with the other picture from which they are translucent."""
_VERY_STEEP, _MUCH_STEEPER = 100.0, 2.0
"""A border that only thin letters with an outline have, whose pixels are of any tone."""
_NEARLY_CLEAR, _OWN_CLEAR_BORDER = 0.80, 1.25
"""The same correlation from which what lies there is nearly clear, and has a border that is hardly steeper."""
_WITHIN = 0.7
"""Share of a window that a region must fill for the window to lie within it."""
_FEW, _MANY = 3, 12
"""Windows within a region from which its natural detail counts against drawing; and against something translucent,
through which natural detail is seen as well, so that only a large region tells."""
_ON_BOTH = 5
"""Windows that must be drawn on each of the two for both to show something that the other lacks."""
_PAINTED, _PAINTED_TONES = 0.30, 0.85
"""By how much more even, and in two tones to which share, a region must be to be painted whatever its border."""
_SAMPLE = 300
"""Windows by which the share of natural detail is judged."""
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
    moved: int
    """Windows of regions that neither a drawing on one of the two nor anything seen through explains."""
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
        redrawn=_redrawn(frame, a_as_b),
        moved=found.moved,
        relit=round(_relit(frame, a_as_b), 2),
        each_sharper=round(_each_sharper(frame, a_as_b, found.windows), 4),
        kept=None if kept is None else round(kept[0], 4),
        kept_low=None if kept is None else round(kept[1], 4),
        fine_windows=None if kept is None else kept[2],
        loss_known=not (a.loses_unknown or b.loses_unknown),
    )


def _differences(frame: Shared, a: FloatArray, shared: Flags) -> _Differences:
    detail = correlate(_softened(a, _BLUR), _softened(frame.b, _BLUR), frame.window)
    textured = shared & (detail.stronger > _TEXTURED)
    apart = np.abs(_softened(a, 3.0) - _softened(frame.b, 3.0))
    other_detail = textured & (detail.ncc < _DIFFERS)
    painted = shared & (means_of(apart, frame.window) > _OTHER_BRIGHTNESS)
    sample = _some_of(textured)
    natural_a, natural_b = (is_natural(side, frame.window, sample) for side in (frame.a, frame.b))
    return _Differences(
        windows=other_detail | painted,
        moved=_moved(frame, a),
        natural_a=float(np.mean(natural_a[sample])) if sample.any() else 0.0,
        natural_b=float(np.mean(natural_b[sample])) if sample.any() else 0.0,
    )


def _redrawn(frame: Shared, a: FloatArray) -> int:
    """Windows of half the side in which letters or lines are others: a digit fills no larger one."""
    side = frame.window // 2
    detail = correlate(_softened(a, _BLUR), _softened(frame.b, _BLUR), side)
    shared = np.asarray(cut(frame.inside, side).min(axis=(2, 3)) > 0)
    return int(np.count_nonzero(shared & (detail.stronger > _STROKES) & (detail.ncc < _DIFFERS_FOR_CERTAIN)))


def _some_of(windows: Flags) -> Flags:
    """At most `_SAMPLE` of the windows, evenly spread."""
    places = np.flatnonzero(windows)
    some = np.zeros_like(windows)
    some.ravel()[places[:: max(1, len(places) // _SAMPLE)]] = True
    return some


def _moved(frame: Shared, a: FloatArray) -> int:
    """Windows of half the side in which something moved, or stands for something else.

    What people lay on a copy has a border of its own where the other shows none, and it is drawn: even or of two tones,
    where photos are grained. Or it lets the picture be seen through it.
    """
    side = frame.window // 2
    detail = correlate(_softened(a, _BLUR), _softened(frame.b, _BLUR), side)
    shared = np.asarray(cut(frame.inside, side).min(axis=(2, 3)) > 0)
    others = shared & (detail.stronger > _RICH) & (detail.ncc < _DIFFERS_FOR_CERTAIN)
    if not others.any():
        return 0
    soft_a, soft_b = _softened(a, 1.0), _softened(frame.b, 1.0)
    changed = (np.abs(soft_a - soft_b) > _CHANGED) & (frame.inside > 0)
    sides = (
        _Side(frame.a, _steepness(soft_a), frame.inside > 0, changed),
        _Side(frame.b, _steepness(soft_b), frame.inside > 0, changed),
    )
    details = [np.asarray(picture - _softened(picture, 2.0), np.float32) for picture in (a, frame.b)]
    is_relit = _relit(frame, a) > RELIT
    moved, laid = 0, [0, 0]
    for windows, pixels in _regions(others, side, changed):
        if np.count_nonzero(pixels) < _LEAST_CHANGED or (is_relit and _is_lost(frame, pixels)):
            continue
        if _is_seen_through(pixels, *details):
            continue
        on = _laid_on(pixels, sides, frame.window)
        if on is None:
            moved += windows
        else:
            laid[on] += windows
    # Each shows something that the other lacks: one thing before, and after it moved.
    return moved + sum(laid) if min(laid) >= _ON_BOTH else moved


def _regions(others: Flags, side: int, changed: Flags) -> Iterator[tuple[int, Flags]]:
    """Changed pixels that hang together, and how many of the windows `others` lie there."""
    closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    _, labels = cv2.connectedComponents(closed, connectivity=8)
    found: Counter[int] = Counter()
    for row, column in np.argwhere(others):
        inside = labels[row * side : (row + 1) * side, column * side : (column + 1) * side]
        counts = np.bincount(inside.ravel())
        counts[0] = 0
        if counts.any():
            found[int(counts.argmax())] += 1
    for label, windows in found.most_common(_MOST_REGIONS):
        yield windows, changed & (labels == label)


def _is_lost(frame: Shared, pixels: Flags) -> bool:
    """Nothing but black or white is left there in one of the two."""
    return any(not _DARKEST < float(np.median(side[pixels])) < _BRIGHTEST for side in (frame.a, frame.b))


def _is_seen_through(pixels: Flags, detail_a: FloatArray, detail_b: FloatArray) -> bool:
    """The detail of one is still there in the other, away from the borders of what changed it."""
    inner = cv2.erode(pixels.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    one, other = detail_a[inner], detail_b[inner]
    return len(one) >= _LEAST_INNER and _correlation(one, other) > _SEEN_THROUGH


def _correlation(one: FloatArray, other: FloatArray) -> float:
    """0 where either hardly varies."""
    if min(float(one.std()), float(other.std())) < 1.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


class _Side:
    """What one picture shows in a region."""

    def __init__(self, picture: FloatArray, steepness: FloatArray, inside: Flags, changed: Flags) -> None:
        self.picture = picture
        self.steepness = steepness
        self._even = is_even(picture)
        elsewhere = inside & ~changed
        self._usually_even = float(np.mean(self._even[elsewhere])) if elsewhere.any() else 0.0

    def is_natural(self, region: GrayArray, window: int, least: int) -> bool:
        """Most windows within the region hold detail as photos do; False where it has fewer than `least`."""
        within = means_of(np.asarray(region, np.float32), window) > _WITHIN
        if np.count_nonzero(within) < least:
            return False
        return float(np.mean(is_natural(self.picture, window, within)[within])) > 0.5

    def more_even(self, pixels: Flags) -> float:
        """How much larger the share of even pixels is there than elsewhere."""
        return float(np.mean(self._even[pixels])) - self._usually_even


def _laid_on(pixels: Flags, sides: tuple[_Side, _Side], window: int) -> int | None:
    """On which of the two something was drawn there, 0 or 1: on the one in which it has a border. None: on neither."""
    marked = np.asarray(cv2.morphologyEx(pixels.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    around = np.ones((5, 5), np.uint8)
    border = (cv2.dilate(marked, around) - cv2.erode(marked, around)) > 0
    edges = [float(side.steepness[border].mean()) for side in sides]
    on = int(np.argmax(edges))
    drawn, other = sides[on], sides[1 - on]
    levels = drawn.picture[pixels]
    is_painted = drawn.more_even(pixels) > _PAINTED and in_two_tones(levels) > _PAINTED_TONES
    is_sharp = max(edges) >= max(_VERY_STEEP, _MUCH_STEEPER * min(edges))
    likeness = _correlation(levels, other.picture[pixels])
    steeper = _OWN_BORDER if likeness < _NEARLY_CLEAR else _OWN_CLEAR_BORDER
    has_border = max(edges) >= max(_STEEP, steeper * min(edges))
    few_tones = in_two_tones(levels) > _TWO_TONES or _at_extremes(levels) > _AT_EXTREMES
    looks_drawn = ((few_tones or is_sharp) and not drawn.is_natural(marked, window, _FEW)) or (
        likeness > _TRANSLUCENT and not drawn.is_natural(marked, window, _MANY)
    )
    is_drawn = is_painted or (has_border and looks_drawn)
    return on if is_drawn else None


def _at_extremes(levels: FloatArray) -> float:
    """Share of grey levels that lie in the lowest or the highest fifth of their range, as those of letters do."""
    low, high = np.quantile(levels, (0.05, 0.95))
    near = 0.2 * (high - low)
    return float(np.mean((levels < low + near) | (levels > high - near)))


def _steepness(picture: FloatArray) -> FloatArray:
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _softened(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _relit(frame: Shared, a_as_b: FloatArray) -> float:
    """Grey levels by which the tone curve moves the typical pixel once a change of brightness alone is taken out."""
    inside = frame.inside[::4, ::4] > 0
    return float(np.median(np.abs(a_as_b - frame.a)[::4, ::4][inside]))


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
    pixels = _grown(differing, window, (shape[0] * FINE_WINDOW, shape[1] * FINE_WINDOW))
    return np.asarray(cut(pixels, FINE_WINDOW).max(axis=(2, 3)) > 0)


def _grown(region: Flags, window: int, shape: tuple[int, ...]) -> Flags:
    """The pixels of a region of windows and of the windows around it, in a picture of this shape."""
    around = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = region.shape[0] * window, region.shape[1] * window
    whole = cv2.resize(around, (columns, rows), interpolation=cv2.INTER_NEAREST) > 0
    pixels = np.zeros(shape, np.bool_)
    rows, columns = min(rows, shape[0]), min(columns, shape[1])
    pixels[:rows, :columns] = whole[:rows, :columns]
    return pixels
