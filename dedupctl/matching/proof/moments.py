"""What two cameras wrote, held against each other: one release of the shutter, two, or nothing that says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from dedupctl.fingerprint.capture import Capture

Moments: TypeAlias = Literal["one", "times", "settings", "numbers", "cameras"]
"""`one`: written to the same fraction of a second. The others: two shots, and what of them differs."""

_ZONE = timedelta(minutes=15)
"""Time zones lie whole quarters of an hour apart, and programs move a capture time from one to another."""
_FARTHEST_ZONE = timedelta(hours=26)
_HUNDREDTH = 0.0101
"""Some programs cut the fraction of a second to two digits; no camera takes a hundred shots a second."""
_ROUNDING = 0.02
"""An exposure of 1/60 s is 0.0166 and 0.017 in other programs."""


def moments_of(a: Capture, b: Capture) -> Moments | None:
    """Whether the two were taken at one moment; None where neither can be said."""
    if _other_cameras(a.camera, b.camera) or _differ(a.body, b.body):
        return "cameras"
    if a.taken_at is not None and b.taken_at is not None:
        apart = abs(a.taken_at - b.taken_at)
        if apart and not (apart <= _FARTHEST_ZONE and apart % _ZONE == timedelta(0)):
            return "times"
        if a.subsecond is not None and b.subsecond is not None:
            return "times" if abs(a.subsecond - b.subsecond) > _HUNDREDTH else "one"
    if _differ(a.number, b.number):
        return "numbers"
    settings = ((a.exposure, b.exposure), (a.aperture, b.aperture), (a.sensitivity, b.sensitivity))
    if any(
        one is not None and other is not None and abs(one - other) > _ROUNDING * max(one, other)
        for one, other in settings
    ):
        return "settings"
    return None


def _other_cameras(one: str | None, other: str | None) -> bool:
    """Some programs leave the maker out, so "EOS R6" may be "Canon EOS R6"."""
    return one is not None and other is not None and not (one.endswith(other) or other.endswith(one))


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
