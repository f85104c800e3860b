"""What a camera recorded about an exposure: it can show that pictures are two exposures, never that they are one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

from dedupctl.fingerprint.exif_facts import camera_of, directory_of, moment_of, tags_of

_MAKE, _MODEL = 0x010F, 0x0110
_EXIF_IFD = 0x8769
_TAKEN_AT, _SUBSECOND = 0x9003, 0x9291
_EXPOSURE, _APERTURE, _SENSITIVITY = 0x829A, 0x829D, 0x8827
_NUMBER, _BODY = 0x9211, 0xA431


@dataclass(frozen=True, slots=True)
class Capture:
    """What the camera recorded about the exposure. Values that are missing or invalid are None."""

    taken_at: datetime | None = None
    """When the shutter was released, to the second and without a time zone: only EXIF's original time, which programs
    do not change when they save the picture again."""
    subsecond: float | None = None
    """The fraction of that second."""
    camera: str | None = None
    """Maker and model."""
    body: str | None = None
    """Serial number."""
    number: int | None = None
    """Running number of the shot."""
    exposure: float | None = None
    """Seconds."""
    aperture: float | None = None
    sensitivity: float | None = None


def capture_of(exif: Image.Exif) -> Capture:
    """Read the capture data from EXIF. Never raises, because cameras and programs may write anything."""
    main, detail = tags_of(exif), directory_of(exif, _EXIF_IFD)
    number = _positive(detail.get(_NUMBER))
    return Capture(
        taken_at=moment_of(detail.get(_TAKEN_AT)),
        subsecond=_fraction(detail.get(_SUBSECOND)),
        camera=camera_of(main.get(_MAKE), main.get(_MODEL)),
        body=_text(detail.get(_BODY)),
        number=None if number is None else int(number),
        exposure=_positive(detail.get(_EXPOSURE)),
        aperture=_positive(detail.get(_APERTURE)),
        sensitivity=_positive(detail.get(_SENSITIVITY)),
    )


def _fraction(digits: object) -> float | None:
    """EXIF stores the digits after the decimal point as text: "07" is seven hundredths."""
    text = _text(digits)
    return float(f"0.{text}") if text is not None and text.isascii() and text.isdigit() else None


def _positive(value: Any) -> float | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.replace("\0", " ").strip()
    return text if text.strip("0 ") else None
