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
_MOVED, _MOVED_RELIT = 2, 8
"""Windows in which something moved. What harsh saving spoils can look like one; where the light is another, clipped
highlights can look like a few."""
_SAME_GRAIN, _SAME_GRAIN_LOW = 0.97, 0.90
"""Shares of the fine detail, at the median and in the lower quarter, from which it is one exposure for certain."""
_ENOUGH_GRAIN = 24
"""Windows of grain that prove it."""
_OTHER_GRAIN = 0.93
"""Share of it below which two pictures of other light or focus are two exposures: real brackets have .91 at
most, copies .94 and more."""
_REFOCUSED = 0.15
"""Share of windows in which either is the sharper one. Shots of a focus stack have .27 and more, harsh saving .12."""
_ALL_AGREES, _LITTLE_GRAIN = 0.97, 0.80
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
    few_are_spoilt = _is_relit(closer) or closer.moments == "one" or _is_of_one_grain(closer)
    if moved >= (_MOVED_RELIT if _is_relit(closer) else _MOVED) or (moved > 0 and not few_are_spoilt):
        return f"something moved, or stands for something else, on {moved / closer.windows:.1%} of the shared part"
    return None


def _counted(places: int) -> str:
    return "a place" if places == 1 else f"{places:,} places"


def _is_relit(closer: Closer) -> bool:
    return (closer.relit or 0.0) > RELIT


def _is_of_one_grain(closer: Closer) -> bool:
    return (closer.kept or 0.0) >= _SAME_GRAIN and (closer.kept_low or 0.0) >= _SAME_GRAIN_LOW


def _other_exposure(closer: Closer, agreement: float) -> str | None:
    if closer.moments == "one" or closer.kept is None or closer.kept >= _OTHER_GRAIN:
        return None
    grain = f"only {max(closer.kept, 0.0):.0%} of the grain that should have been kept agrees"
    if (closer.each_sharper or 0.0) > _REFOCUSED:
        return f"each is sharper somewhere, and {grain}"
    if _is_relit(closer):
        return f"the light is another, and {grain}"
    if agreement < _ALL_AGREES and closer.kept < _LITTLE_GRAIN:
        return f"details differ a little, and {grain}"
    return None
