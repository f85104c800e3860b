"""The facts in a picture's EXIF, read so that malformed tags, which cameras do write, never cause an error."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from PIL import Image

from dedupctl.domain import PictureFacts

_ORIENTATION, _MAKE, _MODEL, _CHANGED_AT = 0x0112, 0x010F, 0x0110, 0x0132
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN_AT = (0x9003, 0x9004)
_LATITUDE, _LONGITUDE = 2, 4


def orientation_of(exif: Image.Exif) -> int:
    """The EXIF orientation; 1 if the tag is missing or invalid."""
    value = tags_of(exif).get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def facts_of(exif: Image.Exif, container: str, size: tuple[int, int], orientation: int) -> PictureFacts:
    """The facts of one picture; `size` is its full size as shown."""
    main, detail, gps = tags_of(exif), directory_of(exif, _EXIF_IFD), directory_of(exif, _GPS_IFD)
    moments = (*(detail.get(tag) for tag in _TAKEN_AT), main.get(_CHANGED_AT))
    return PictureFacts(
        format=container,
        width=size[0],
        height=size[1],
        orientation=orientation,
        taken_at=next((taken.isoformat() for moment in moments if (taken := moment_of(moment))), None),
        camera=camera_of(main.get(_MAKE), main.get(_MODEL)),
        exif_tags=len(main) + len(detail) + len(gps),
        has_gps=_is_place(gps.get(_LATITUDE), gps.get(_LONGITUDE)),
    )


def tags_of(exif: Image.Exif) -> dict[int, Any]:
    """The main directory; empty if it cannot be read."""
    try:
        return dict(exif)
    except Exception:  # cameras write anything, and Pillow raises a dozen kinds of exception
        return {}


def directory_of(exif: Image.Exif, tag: int) -> dict[int, Any]:
    """A directory inside the main one; empty if it is missing or cannot be read."""
    try:
        return dict(exif.get_ifd(tag))
    except Exception:  # as above
        return {}


def moment_of(written: object) -> datetime | None:
    """EXIF stores "2024:05:17 08:30:00", with many variations, and only zeros or blanks if the clock was not set."""
    if not isinstance(written, str):
        return None
    try:
        return datetime.strptime(written.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _is_place(latitude: Any, longitude: Any) -> bool:
    """Whether these are coordinates, in degrees, minutes and seconds: cameras without a fix write zeros or 0/0."""
    try:
        numbers = [float(part) for part in (*latitude, *longitude)]
    except (TypeError, ValueError, ZeroDivisionError):
        return False
    return all(map(math.isfinite, numbers)) and any(numbers)


def camera_of(make: object, model: object) -> str | None:
    """Maker and model, without repeating the maker where the model already names it."""
    maker, name = (" ".join(str(part).replace("\0", " ").split()) if part else "" for part in (make, model))
    if maker and not name.lower().startswith(maker.split()[0].lower()):
        name = f"{maker} {name}"
    return name.strip() or None
