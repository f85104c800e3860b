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
from dedupctl.matching.proof.geometry import Matrix, is_affine, is_inside, mapped, scale_of
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.proof.windows import TEXTURED, WINDOW, Detail, compare_detail, largest_region, softened

AGREES = 0.7
"""Correlation of the detail of two windows from which they show the same. Windows of true copies lie at .9 to 1, at
JPEG quality 10 still at .83 in the middle; windows of other text or another leaf spread around 0."""
_DISAGREES = 0.5
_OTHER_BRIGHTNESS = 20.0
"""Grey levels, once brightness and contrast are brought together, from which a window was painted over."""
_CLIPPED = 240.0
"""Grey levels from which a window may have lost what set it apart."""
_SMALL_WINDOW = 8
_SMALL_AREA = 120 * 120
"""Shared parts of fewer pixels are cut into smaller windows, or there would be too few to judge by."""
_LEAST_WINDOWS = 8
_BAR = 0.9
"""A region this long, as a share of the picture's side, is a bar across it."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """One picture moved into the frame of the other, which shows the motif smaller and stays still."""

    still: Picture
    moving: Picture
    moved: GrayArray
    forward: Matrix
    """From pixels of `moving` to pixels of `still`."""
    scale: float
    """Linear size of the motif in the frame over that in `moving`; at most 1."""
    a_moves: bool

    @property
    def enlarged(self) -> float:
        """How many times the coarser of the two is enlarged in this frame."""
        return float(max(self.still.enlarged, self.moving.enlarged * self.scale))

    def mask(self) -> GrayArray:
        """255 where both have pixels, a little inside the edge."""
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (self.moving.width - 1, self.moving.height - 1)
        frame = np.clip(mapped(self.forward, corners), -(2**14), 2**14).round().astype(np.int32)
        mask = cv2.fillConvexPoly(np.zeros(self.still.gray.shape, np.uint8), frame, 255)
        return np.asarray(cv2.erode(mask, np.ones((5, 5), np.uint8), borderValue=255), np.uint8)

    def shared(self, window: int) -> npt.NDArray[np.bool_]:
        """Which windows of the frame both pictures fill."""
        rows, columns = self.still.height // window, self.still.width // window
        across, down = np.meshgrid(np.arange(columns + 1) * window - 0.5, np.arange(rows + 1) * window - 0.5)
        back = np.asarray(np.linalg.inv(self.forward), np.float64)
        corners = mapped(back, np.stack([across.ravel(), down.ravel()], axis=1))
        inside = is_inside(corners, self.moving, slack=1.0).reshape(rows + 1, columns + 1)
        return inside[1:, 1:] & inside[1:, :-1] & inside[:-1, 1:] & inside[:-1, :-1]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `measure` found; shares are 0-1."""

    windows: int
    """Textured windows it rests on: those with detail in either picture, in the shared part."""
    agreement: float
    """Share of them that agree."""
    elsewhere: float
    """The same outside the largest region that disagrees."""
    differing: float
    """Share of all of them that show something else for certain."""
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


def overlay(a: Picture, b: Picture, matrix: Matrix) -> Overlay:
    """Move the picture of larger scale into the frame of the other one. `matrix` maps pixels of A to pixels of B."""
    scale = scale_of(matrix, a)
    if scale <= 1:
        return Overlay(b, a, _moved(a, b, matrix, scale), matrix, scale, True)
    back = np.asarray(np.linalg.inv(matrix), np.float64)
    return Overlay(a, b, _moved(b, a, back, 1 / scale), back, 1 / scale, False)


def _moved(moving: Picture, still: Picture, matrix: Matrix, scale: float) -> GrayArray:
    if moving.gray.shape == still.gray.shape and np.abs(matrix - np.eye(3)).max() < 1e-9:
        return moving.gray
    gray, size = moving.gray, (still.width, still.height)
    if scale < 0.75:  # warping picks single pixels: without a blur first, a small copy would be full of aliases
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.45 * float(np.sqrt(1 / scale**2 - 1))), np.uint8)
    if is_affine(matrix):
        moved = cv2.warpAffine(gray, matrix[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    else:
        moved = cv2.warpPerspective(gray, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def measure(laid: Overlay) -> Agreement | None:
    """How the two agree as they lie; None where the shared part has too little detail to say."""
    window, shared = WINDOW, laid.shared(WINDOW)
    if np.count_nonzero(shared) * WINDOW**2 < _SMALL_AREA:
        window, shared = _SMALL_WINDOW, laid.shared(_SMALL_WINDOW)
    if np.count_nonzero(shared) < _LEAST_WINDOWS:
        return None
    still, moved = softened(laid.still.gray, laid.enlarged), softened(laid.moved, laid.enlarged)
    detail = compare_detail(moved, still, window) if laid.a_moves else compare_detail(still, moved, window)
    textured: npt.NDArray[np.bool_] = np.logical_and(shared, _strength(detail, shared) > TEXTURED)
    if np.count_nonzero(textured) < _LEAST_WINDOWS:
        return None
    ncc = detail.ab / np.sqrt(np.maximum(detail.aa * detail.bb, 1e-4))
    agrees = textured & (ncc > AGREES)
    gain, offset = _photometric(detail, agrees if np.count_nonzero(agrees) >= _LEAST_WINDOWS else shared)
    repainted = np.abs(detail.mean_b - (gain * detail.mean_a + offset)) > _OTHER_BRIGHTNESS * max(1.0, gain)
    region = _replaced(shared & ~agrees & ((textured & (ncc < _DISAGREES)) | repainted), textured, detail)
    elsewhere = textured & ~region
    ranked = np.sort(ncc[elsewhere])
    back = np.asarray(np.linalg.inv(laid.forward), np.float64)
    of_moving, of_still = _coverage(laid.moving, laid.still, laid.forward), _coverage(laid.still, laid.moving, back)
    (overlap_a, covered_a), (overlap_b, covered_b) = (of_moving, of_still) if laid.a_moves else (of_still, of_moving)
    agreeing, compared = int(np.count_nonzero(agrees)), int(np.count_nonzero(textured))
    return Agreement(
        windows=compared,
        agreement=agreeing / compared,
        elsewhere=agreeing / max(1, len(ranked)),
        differing=float(np.mean(ncc[textured] < _DISAGREES)),
        replaced=int(np.count_nonzero(region)) / int(np.count_nonzero(shared)),
        bar=_is_bar(region, shared),
        shading=_correlation(detail.mean_a[shared & ~region], detail.mean_b[shared & ~region]),
        low_ncc=float(ranked[len(ranked) // 10]) if len(ranked) else 0.0,
        typical_ncc=float(ranked[len(ranked) // 2]) if len(ranked) else 0.0,
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
    if len(one) < _LEAST_WINDOWS:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    lengths = float(one @ one), float(other @ other)
    if min(lengths) < len(one):  # less than a grey level of spread
        return 0.0
    return float(one @ other) / float(np.sqrt(lengths[0] * lengths[1]))


def _replaced(bad: npt.NDArray[np.bool_], textured: npt.NDArray[np.bool_], detail: Detail) -> npt.NDArray[np.bool_]:
    """The largest region that shows something else; a region without detail may be only clipped light or shadow."""
    region = largest_region(bad)
    if region.any() and textured[region].mean() < 0.25:
        brightest = np.maximum(detail.mean_a, detail.mean_b)[region]
        darkest = np.minimum(detail.mean_a, detail.mean_b)[region]
        if np.mean((brightest > _CLIPPED) | (darkest < 255 - _CLIPPED)) > 0.5:
            return np.zeros_like(region)
    return region


def _is_bar(region: npt.NDArray[np.bool_], shared: npt.NDArray[np.bool_]) -> bool:
    return any(
        int(np.count_nonzero(region.any(axis=axis))) >= _BAR * int(np.count_nonzero(shared.any(axis=axis)))
        for axis in (0, 1)
    )


def _coverage(own: Picture, other: Picture, matrix: Matrix) -> tuple[float, float]:
    """Share of the picture's windows, and of its windows with detail, whose middle lies in the other picture."""
    inside = is_inside(mapped(matrix, own.window_middles), other, slack=0.0)
    rich = (own.detail > TEXTURED).ravel()
    return float(np.mean(inside)), float(np.mean(inside[rich])) if rich.any() else 0.0
