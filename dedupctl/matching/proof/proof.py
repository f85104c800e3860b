"""The geometric proof: is one picture made from the other? The cheapest sufficient test first.

1. `correlation`: the two whole pictures, in the one of eight orientations that fits best, squeezed to one frame.
2. `orb`: a transform from ORB features, as is and mirrored; brought to a fraction of a pixel by optical flow.
3. `sift`: the same from SIFT features, where that promises something.

Each yields a guess of the transform; `agreement` measures what is true of it; the best is kept as evidence. Nothing
here depends on thresholds that may change: `score.judge` decides on the evidence alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dedupctl.domain import Evidence, Photometric
from dedupctl.matching.proof.agreement import Agreement, Overlay, measure, overlay
from dedupctl.matching.proof.geometry import Guess, by_features, by_orientation, followed, is_sane
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.proof.surroundings import plain_outside, reach_beyond
from dedupctl.matching.proof.transform import transform_of

__all__ = ["Picture", "prove"]

Method: TypeAlias = Literal["correlation", "orb", "sift"]

_WORTH_CORRELATING = 0.75
"""Correlation of the two pictures at 32 x 32 below which they cannot lie on each other as they are."""
_LEAST_INLIERS = 5
_PLENTY_OF_INLIERS = 10
_PROMISING_COSINE = 0.60
"""SIFT costs 20 ms a picture. Above this cosine one photo in fifty has a false candidate, above 0.53 one in eight."""
_PROMISING_DISTANCE = 8


@dataclass(frozen=True, slots=True)
class _Finding:
    method: Method
    guess: Guess
    agreement: Agreement

    @property
    def convincing(self) -> bool:
        """Nothing that costs more could say more.

        The correlation has no freedom to fit anything, so what agrees there agrees. From features, guesses are right to
        a pixel only, which alone costs a true copy up to .15 of its agreement: they are refined until this is reached.
        """
        found = self.agreement
        if self.method == "correlation":
            return found.elsewhere >= 0.80 and found.agreement >= 0.65
        return found.elsewhere >= 0.97 and found.agreement >= 0.80

    @property
    def plausible(self) -> bool:
        """Dearer features would find the same transform."""
        found = self.agreement
        return found.elsewhere >= 0.90 and found.agreement >= 0.60 and max(found.covered_a, found.covered_b) >= 0.5


def prove(a: Picture, b: Picture, *, hash_distance: int | None, cosine: float | None) -> Evidence:
    """Measure all that speaks for one picture being made from the other. Deterministic."""
    best = _try("correlation", a, b)
    if best is None or not best.convincing:
        best = _better(best, _try("orb", a, b))
        if not (best is not None and best.plausible) and _is_promising(best, hash_distance, cosine):
            best = _better(best, _try("sift", a, b))
    return _evidence(best, a, b, hash_distance, cosine)


def _is_promising(best: _Finding | None, hash_distance: int | None, cosine: float | None) -> bool:
    if cosine is not None and cosine >= _PROMISING_COSINE:
        return True
    if hash_distance is not None and hash_distance <= _PROMISING_DISTANCE:
        return True
    return best is not None and best.guess.inliers >= _PLENTY_OF_INLIERS


def _better(one: _Finding | None, other: _Finding | None) -> _Finding | None:
    return max((found for found in (one, other) if found), key=lambda found: found.agreement.agreement, default=None)


def _try(method: Method, a: Picture, b: Picture) -> _Finding | None:
    if method == "correlation":
        correlation, matrix = by_orientation(a, b)
        if correlation < _WORTH_CORRELATING:
            return None
        return _measured(method, Guess(matrix, 0, 0.0), overlay(a, b, matrix))
    guess = by_features(a, b, method)
    if guess is None or guess.inliers < _LEAST_INLIERS:
        return None
    laid = overlay(a, b, guess.matrix)
    coarse = _measured(method, guess, laid)
    if coarse is not None and coarse.convincing:
        return coarse
    finer = _refined(guess, a, laid)
    return coarse if finer is None else _better(coarse, _measured(method, finer, overlay(a, b, finer.matrix)))


def _refined(guess: Guess, a: Picture, laid: Overlay) -> Guess | None:
    """The guess, corrected by optical flow between the pictures as they lie on each other."""
    correction = followed(laid.moved, laid.still.gray, laid.mask())
    if correction is None:
        return None
    back = np.asarray(np.linalg.inv(correction.matrix), np.float64)
    matrix = correction.matrix @ guess.matrix if laid.a_moves else guess.matrix @ back
    return Guess(matrix / matrix[2, 2], guess.inliers, correction.residual) if is_sane(matrix, a.gray) else None


def _measured(method: Method, guess: Guess, laid: Overlay) -> _Finding | None:
    agreement = measure(laid)
    return _Finding(method, guess, agreement) if agreement is not None else None


def _evidence(
    best: _Finding | None, a: Picture, b: Picture, hash_distance: int | None, cosine: float | None
) -> Evidence:
    if best is None:
        return Evidence(method="vector", hash_distance=hash_distance, cosine=cosine)
    found, by_features_, matrix = best.agreement, best.method != "correlation", best.guess.matrix
    back = np.asarray(np.linalg.inv(matrix), np.float64)
    return Evidence(
        method=best.method,
        hash_distance=hash_distance,
        cosine=cosine,
        inliers=best.guess.inliers if by_features_ else None,
        residual=round(best.guess.residual, 3) if by_features_ else None,
        windows=found.windows,
        agreement=round(found.agreement, 4),
        agreement_elsewhere=round(found.elsewhere, 4),
        differing=round(found.differing, 4),
        writing=round(min(a.writing, b.writing), 4) if found.differing > 0 else None,
        replaced=round(found.replaced, 4),
        replaced_is_bar=found.bar,
        shading=round(found.shading, 4),
        low_ncc=round(found.low_ncc, 4),
        typical_ncc=round(found.typical_ncc, 4),
        overlap_a=round(found.overlap_a, 4),
        overlap_b=round(found.overlap_b, 4),
        covered_a=round(found.covered_a, 4),
        covered_b=round(found.covered_b, 4),
        plain_a=_rounded(plain_outside(a, b, back)),
        plain_b=_rounded(plain_outside(b, a, matrix)),
        beyond_a=round(reach_beyond(a, b, back), 4),
        beyond_b=round(reach_beyond(b, a, matrix), 4),
        transform=transform_of(matrix, a, b),
        photometric=Photometric(round(found.gain, 3), round(found.offset, 1)),
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
