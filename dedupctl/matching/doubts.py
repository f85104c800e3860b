"""What a closer look holds against a copy: hard guards, whatever else agrees.

A false merge is the one failure that must not happen, so each of these is enough by itself. The numbers were chosen on
pictures by nine makers (`bench/generalise.py`); the gap around each is told where it stands.
"""

from __future__ import annotations

from dedupctl.domain import Closer, Evidence
from dedupctl.matching.proof.closer import RELIT

_DRAWN = 0.40
"""Share of natural detail below which both pictures are drawn. Pages, charts, boards and screens around a photo have
.39 at most, the plainest photos .43."""
_MOVED, _MOVED_RELIT = 4, 8
"""Windows of half the side in which something moved. In copies there are hardly ever any, under words or in other light
a few; somebody who moves by a thirtieth of the picture is seen in 4."""
_MOVED_GRAIN = 0.75
"""Share of the fine detail below which fewer are enough."""
_SAME_GRAIN, _SAME_GRAIN_LOW = 0.97, 0.90
"""Shares of the fine detail, at the median and in the lower quarter, from which it is one exposure for certain."""
_ENOUGH_GRAIN = 24
"""Windows of grain that prove it."""
_OTHER_GRAIN = 0.93
"""Share of it below which two pictures of other light or focus are two exposures: real brackets have .91 at
most, copies .94 and more."""
_OTHER_GRAIN_AFTER_ANY_LOSS = 0.70
"""The same where a format took detail in a way that is not known: WebP and AVIF leave .72 and more."""
_REFOCUSED = 0.15
"""Share of windows in which either is the sharper one. Shots of a focus stack have .27 and more, harsh saving .12."""
_DIFFER_A_LITTLE = ((0.97, 0.80), (0.95, 0.93))
"""Share of the detail that agrees on thumbnails below which a little differs, and the grain below which that is no
edit: frames of a small video in which only lips moved."""
_TWO_MOMENTS = {
    "times": "the camera wrote two capture times",
    "settings": "the camera wrote two exposures",
    "numbers": "the camera numbered them as two shots",
    "cameras": "two cameras took them",
}


def doubt(evidence: Evidence) -> str | None:
    """Why two pictures that agree are two exposures, or two fillings of one template; None where nothing says so."""
    closer = evidence.closer
    if closer is None:
        return "the files could not be looked at closely"
    if closer.moments in _TWO_MOMENTS:
        return _TWO_MOMENTS[closer.moments]
    if closer.differing is None:
        return None
    return _other_content(closer) or _other_exposure(closer, evidence.agreement_elsewhere or 0.0)


def is_one_exposure(closer: Closer | None) -> bool:
    """Its grain proves that both were made from one exposure, and nothing moved."""
    if closer is None or closer.moved != 0 or (closer.fine_windows or 0) < _ENOUGH_GRAIN:
        return False
    natural = min(closer.natural_a or 0.0, closer.natural_b or 0.0)
    return natural >= _DRAWN and closer.moments not in _TWO_MOMENTS and _is_of_one_grain(closer)


def _other_content(closer: Closer) -> str | None:
    if max(closer.natural_a or 0.0, closer.natural_b or 0.0) < _DRAWN and (closer.redrawn or 0) > 0:
        return f"they are drawn alike, but for {_counted(closer.redrawn or 0)} drawn otherwise"
    moved = closer.moved or 0
    is_other_grain = closer.moments != "one" and closer.kept is not None and closer.kept < _MOVED_GRAIN
    if moved >= (_MOVED_RELIT if _is_relit(closer) else _MOVED) or (moved > 0 and is_other_grain):
        return (
            f"something moved, or stands for something else, on {moved / (4 * closer.windows):.1%} of the shared part"
        )
    return None


def _counted(places: int) -> str:
    return "a place" if places == 1 else f"{places:,} places"


def _is_relit(closer: Closer) -> bool:
    return (closer.relit or 0.0) > RELIT


def _is_of_one_grain(closer: Closer) -> bool:
    return (closer.kept or 0.0) >= _SAME_GRAIN and (closer.kept_low or 0.0) >= _SAME_GRAIN_LOW


def _other_exposure(closer: Closer, agreement: float) -> str | None:
    least = _OTHER_GRAIN if closer.loss_known else _OTHER_GRAIN_AFTER_ANY_LOSS
    if closer.moments == "one" or closer.kept is None or closer.kept >= least:
        return None
    grain = f"only {max(closer.kept, 0.0):.0%} of the grain that should have been kept agrees"
    if (closer.each_sharper or 0.0) > _REFOCUSED:
        return f"each is sharper somewhere, and {grain}"
    if _is_relit(closer):
        return f"the light is another, and {grain}"
    if closer.loss_known and any(agreement < share and closer.kept < grain for share, grain in _DIFFER_A_LITTLE):
        return f"details differ a little, and {grain}"
    return None
