"""What a closer look holds against a copy: hard guards, whatever else agrees.

A false merge is the one failure that must not happen, so each of these is enough by itself. The numbers were chosen on
pictures by nine makers (`bench/generalise.py`); the gap around each is told where it stands.
"""

from __future__ import annotations

from dedupctl.domain import Closer

_DRAWN = 0.40
"""Share of natural detail below which both pictures are drawn. Pages, charts, boards and screens around a photo have
.39 at most, the plainest photos .43."""
_SCENE = 5
"""Windows in a region where both show a scene of their own. Words, stickers and stripes on copies leave 4 at most."""
_MOVED = 2
"""Windows in which something moved. What harsh saving spoils can look like one."""
_SAME_GRAIN, _SAME_GRAIN_LOW = 0.97, 0.90
"""Shares of the fine detail, at the median and in the lower quarter, from which it is one exposure for certain."""
_OTHER_GRAIN = 0.85
"""Share of it below which two pictures of other light or focus are two exposures: brackets have .83 at most."""
_RELIT = 6.0
"""Grey levels of the typical pixel from which the light is another."""
_REFOCUSED = 0.10
"""Share of windows in which either is the sharper one."""
_TWO_MOMENTS = {
    "times": "the camera wrote two capture times",
    "settings": "the camera wrote two exposures",
    "numbers": "the camera numbered them as two shots",
    "cameras": "two cameras took them",
}


def doubt(closer: Closer | None) -> str | None:
    """Why two pictures that agree are two exposures, or two fillings of one template; None where nothing says so."""
    if closer is None:
        return "the files could not be looked at closely"
    if closer.moments in _TWO_MOMENTS:
        return _TWO_MOMENTS[closer.moments]
    if closer.differing is None or closer.scene_region is None:
        return None
    return _other_content(closer, closer.differing, closer.scene_region) or _other_exposure(closer)


def _other_content(closer: Closer, differing: int, scene: int) -> str | None:
    if max(closer.natural_a or 0.0, closer.natural_b or 0.0) < _DRAWN and differing > 0:
        return f"they are drawn alike, but {differing / closer.windows:.1%} of the shared part is drawn otherwise"
    if scene >= _SCENE:
        return f"something else is seen in both on {scene / closer.windows:.1%} of the shared part"
    moved = closer.moved or 0
    if moved >= _MOVED or (moved > 0 and not _is_one_exposure(closer)):
        return f"something moved, or stands for something else, on {moved / closer.windows:.1%} of the shared part"
    return None


def _is_one_exposure(closer: Closer) -> bool:
    if closer.moments == "one":
        return True
    return (closer.kept or 0.0) >= _SAME_GRAIN and (closer.kept_low or 0.0) >= _SAME_GRAIN_LOW


def _other_exposure(closer: Closer) -> str | None:
    if closer.moments == "one" or closer.kept is None or closer.kept >= _OTHER_GRAIN:
        return None
    grain = f"only {max(closer.kept, 0.0):.0%} of the grain that should have been kept agrees"
    if (closer.each_sharper or 0.0) > _REFOCUSED:
        return f"each is sharper somewhere, and {grain}"
    if (closer.relit or 0.0) > _RELIT:
        return f"the light is another, and {grain}"
    return None
