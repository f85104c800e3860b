"""A picture to be looked at: large, upright, as JPEG whatever the file is; and what its EXIF says, in words."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from PIL import ExifTags, Image

from dedupctl.domain import Identity, Unreadable
from dedupctl.fingerprint.decode import shrunk
from dedupctl.fingerprint.digest import open_steady
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.outcome import Limits, outcome_of, quietly

VIEW_QUALITY = 90
_LONGEST_VALUE = 160
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_UNTOLD = frozenset(
    {
        *("ExifOffset", "ExifInteroperabilityOffset", "JpegIFOffset", "JpegIFByteCount"),
        *("GPSInfo", "MakerNote", "PrintImageMatching"),
    }
)
"""Places inside the file, and what only the camera's maker can read."""


def view_of(path: bytes, expected: Identity, *, longest: int, limits: Limits) -> bytes | Unreadable:
    """The picture as JPEG with its longer side at most `longest` pixels, in the colours of its own profile.

    A file that is no longer the `expected` one is "changed".
    """
    try:
        with quietly(), open_steady(path, expected) as (file, _):
            opened = open_picture(file, limits)
            # A grey or CMYK profile says nothing of the RGB that is saved.
            profile = opened.image.info.get("icc_profile") if opened.image.mode in {"RGB", "RGBA"} else None
            shown = shrunk(opened, file, lambda size: max(1, max(size) // longest), limits)
            shown.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            packed = io.BytesIO()
            shown.save(packed, "JPEG", quality=VIEW_QUALITY, icc_profile=profile)
            return packed.getvalue()
    except Exception as error:  # decoders raise whatever they like
        return outcome_of(error)


def exif_of(path: bytes, expected: Identity, *, limits: Limits) -> Mapping[str, str] | Unreadable:
    """Tag names and values as text, in the order of the file. Values may hold anything: they are not made safe here."""
    try:
        with quietly(), open_steady(path, expected) as (file, _):
            return dict(_tags(open_picture(file, limits).exif))
    except Exception as error:  # as above
        return outcome_of(error)


def _tags(exif: Image.Exif) -> Iterator[tuple[str, str]]:
    yield from _named(dict(exif), ExifTags.TAGS)
    for directory in _DIRECTORIES:
        names = ExifTags.GPSTAGS if directory is ExifTags.IFD.GPSInfo else ExifTags.TAGS
        yield from _named(exif.get_ifd(directory), names)


def _named(tags: Mapping[int, object], names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for tag, value in tags.items():
        name = names.get(tag, f"tag {tag:#06x}")
        if name not in _UNTOLD:
            yield name, _in_words(value)


def _in_words(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, tuple):
        return ", ".join(map(_in_words, value))[:_LONGEST_VALUE]
    return " ".join(str(value).replace("\0", " ").split())[:_LONGEST_VALUE]
