"""Two pictures laid on each other: where do they agree, and how much of each is that?

The decision never rests on how many features match, because a frame or a logo gives plenty. It rests on where the
detail of **both** pictures agrees once one lies on the other, on what was put in the place of something else, and on
how much of either picture the shared part is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray, GrayArray
from dedupctl.matching.geometry import Matrix, mapped, scale_of
from dedupctl.matching.picture import Picture
from dedupctl.matching.windows import WINDOW, Detail, compare_detail, largest_region, softened, window_share

TEXTURED = 3.0
"""Grey levels: a window whose detail varies less says nothing. JPEG noise of a sky stays below 2."""
AGREES = 0.7
"""Correlation of the detail of two windows from which they show the same. Windows of true copies lie at .9 to 1, at
JPEG quality 10 still at .83 in the middle; windows of other text or another leaf spread around 0."""
_DISAGREES = 0.5
_OTHER_BRIGHTNESS = 20.0
"""Grey levels, once brightness and contrast are brought together, from which a window was painted over."""
_SMALL_WINDOW = 8
_SMALL_AREA = 120 * 120
"""Shared parts of fewer pixels are cut into smaller windows, or there would be too few to judge by."""
_LEAST_WINDOWS = 8
_BAR = 0.9
"""A region this long, as a share of the picture's side, is a bar across it."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Both pictures in the frame of the one that shows the motif smaller."""

    a: GrayArray
    b: GrayArray
    mask: GrayArray
    """255 where both have pixels."""
    in_frame_of_b: bool
    enlarged: float
    """How many times the coarser of the two is enlarged in this frame."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `measure` found; shares are 0-1."""

    windows: int
    """Textured windows it rests on: those with detail in either picture, in the shared part."""
    agreement: float
    """Share of them that agree."""
    elsewhere: float
    """The same outside the largest region that disagrees."""
    replaced: float
    """That region, as a share of the shared part."""
    bar: bool
    """That region runs across the whole shared part, as a caption bar does."""
    shading: float
    """Correlation of the windows' brightness outside that region."""
    low_ncc: float
    """10th percentile of the windows' correlation outside that region."""
    typical_ncc: float
    """Their median."""
    overlap_a: float
    """Share of A's area that B covers."""
    overlap_b: float
    covered_a: float
    """Share of A's detail that B covers."""
    covered_b: float
    gain: float
    """grey_b = gain * grey_a + offset on the windows that agree."""
    offset: float


def overlay(a: Picture, b: Picture, matrix: Matrix) -> Overlay | None:
    """Lay the picture of larger scale on the other one; None where they share next to nothing."""
    scale = scale_of(matrix, a.gray)
    if scale <= 1:
        moved, mask = _laid_on(a.gray, b.gray, matrix, scale)
        result = Overlay(moved, b.gray, mask, True, max(a.enlarged * scale, b.enlarged))
    else:
        moved, mask = _laid_on(b.gray, a.gray, np.asarray(np.linalg.inv(matrix), np.float64), 1 / scale)
        result = Overlay(a.gray, moved, mask, False, max(a.enlarged, b.enlarged / scale))
    return result if cv2.countNonZero(result.mask) > 30 * 30 else None


def _laid_on(moving: GrayArray, still: GrayArray, matrix: Matrix, scale: float) -> tuple[GrayArray, GrayArray]:
    size = (still.shape[1], still.shape[0])
    if scale < 0.75:  # warping picks single pixels: without a blur first, a small copy would be full of aliases
        moving = np.asarray(cv2.GaussianBlur(moving, (0, 0), 0.45 * float(np.sqrt(1 / scale**2 - 1))), np.uint8)
    moved = cv2.warpPerspective(moving, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(np.full(moving.shape, 255, np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    inside = cv2.erode(inside, np.ones((5, 5), np.uint8), borderValue=255)
    return np.asarray(moved, np.uint8), np.asarray(inside, np.uint8)


def measure(a: Picture, b: Picture, matrix: Matrix, laid: Overlay) -> Agreement | None:
    """How the two agree under this transform; None where the shared part has too little detail to say."""
    window = WINDOW if cv2.countNonZero(laid.mask) > _SMALL_AREA else _SMALL_WINDOW
    detail = compare_detail(softened(laid.a, laid.enlarged), softened(laid.b, laid.enlarged), window)
    shared = window_share(laid.mask, window) >= 0.9
    if shared.sum() < _LEAST_WINDOWS:
        return None
    textured: npt.NDArray[np.bool_] = np.logical_and(shared, _strength(detail, shared) > TEXTURED)
    if textured.sum() < _LEAST_WINDOWS:
        return None
    ncc = detail.ab / np.sqrt(np.maximum(detail.aa * detail.bb, 1e-4))
    agrees = textured & (ncc > AGREES)
    gain, offset = _photometric(detail, agrees if agrees.sum() >= _LEAST_WINDOWS else shared)
    repainted = np.abs(detail.mean_b - (gain * detail.mean_a + offset)) > _OTHER_BRIGHTNESS * max(1.0, gain)
    region = _replaced(shared & ~agrees & ((textured & (ncc < _DISAGREES)) | repainted), textured)
    elsewhere = textured & ~region
    low_ncc, typical_ncc = np.quantile(ncc[elsewhere], (0.1, 0.5)).tolist() if elsewhere.any() else (0.0, 0.0)
    back = np.asarray(np.linalg.inv(matrix), np.float64)
    overlap_a, covered_a = _coverage(a, b, matrix)
    overlap_b, covered_b = _coverage(b, a, back)
    return Agreement(
        windows=int(textured.sum()),
        agreement=float(agrees.sum() / textured.sum()),
        elsewhere=float(agrees.sum() / max(1, elsewhere.sum())),
        replaced=float(region.sum() / shared.sum()),
        bar=_is_bar(region, shared),
        shading=_correlation(detail.mean_a[shared & ~region], detail.mean_b[shared & ~region]),
        low_ncc=low_ncc,
        typical_ncc=typical_ncc,
        overlap_a=overlap_a,
        overlap_b=overlap_b,
        covered_a=covered_a,
        covered_b=covered_b,
        gain=gain,
        offset=offset,
    )


def _strength(detail: Detail, shared: npt.NDArray[np.bool_]) -> FloatArray:
    """Detail of the stronger of the two windows, the picture of less contrast amplified to the other's level."""
    level_a, level_b = (float(energy[shared].mean()) + 0.01 for energy in (detail.aa, detail.bb))
    loudest = np.maximum(detail.aa * max(1.0, level_b / level_a), detail.bb * max(1.0, level_a / level_b))
    return np.asarray(np.sqrt(loudest), np.float32)


def _photometric(detail: Detail, windows: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Gain and offset between the brightness of windows; from spreads, because a regression would lean towards 0."""
    means_a, means_b = detail.mean_a[windows], detail.mean_b[windows]
    spread_a, spread_b = float(means_a.std()), float(means_b.std())
    gain = float(np.clip(spread_b / spread_a, 0.2, 5.0)) if spread_a > 3 else 1.0
    return gain, float(np.median(means_b - gain * means_a))


def _correlation(one: FloatArray, other: FloatArray) -> float:
    if len(one) < _LEAST_WINDOWS or min(one.std(), other.std()) < 1.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _replaced(bad: npt.NDArray[np.bool_], textured: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest region that shows something else; a region without detail is only clipped light."""
    region = largest_region(bad)
    if region.any() and textured[region].mean() < 0.25:
        return np.zeros_like(region)
    return region


def _is_bar(region: npt.NDArray[np.bool_], shared: npt.NDArray[np.bool_]) -> bool:
    return any(
        int(np.count_nonzero(region.any(axis=axis))) >= _BAR * int(np.count_nonzero(shared.any(axis=axis)))
        for axis in (0, 1)
    )


def _coverage(own: Picture, other: Picture, matrix: Matrix) -> tuple[float, float]:
    """Share of the picture's windows, and of its windows with detail, whose middle lies in the other picture."""
    rows, columns = own.detail.shape
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    middles = (np.stack([across.ravel(), down.ravel()], axis=1) + 0.5) * WINDOW - 0.5
    places = mapped(matrix, middles)
    within: npt.NDArray[np.bool_] = np.logical_and(places > -0.5, places < (other.width - 0.5, other.height - 0.5))
    inside = within[:, 0] & within[:, 1]
    rich = (own.detail > TEXTURED).ravel()
    return float(inside.mean()), float(inside[rich].mean()) if rich.any() else 0.0
