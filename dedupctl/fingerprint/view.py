"""What a person sees of a picture: a large, upright JPEG of any file, and its EXIF as text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from PIL import ExifTags, Image

from dedupctl.domain import Identity, Unreadable
from dedupctl.fingerprint.decode import shrunk
from dedupctl.fingerprint.digest import open_steady
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.unreadable import Limits, ignoring_warnings, unreadable_from

VIEW_QUALITY = 90
_LONGEST_VALUE = 160
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_HIDDEN_TAGS = frozenset(
    {
        *("ExifOffset", "ExifInteroperabilityOffset", "JpegIFOffset", "JpegIFByteCount"),
        *("GPSInfo", "MakerNote", "PrintImageMatching"),
    }
)
"""Offsets in the file, and data that only the maker of the camera can read."""


def view_of(path: bytes, expected: Identity, *, longest: int, limits: Limits) -> bytes | Unreadable:
    """The picture as JPEG, with its own colour profile and a longer side of at most `longest` pixels.

    The code is "changed" if the file no longer has the `expected` identity.
    """
    try:
        with ignoring_warnings(), open_steady(path, expected) as (file, _):
            opened = open_picture(file, limits)
            # A grey or CMYK profile does not apply to the RGB picture that is saved.
            profile = opened.image.info.get("icc_profile") if opened.image.mode in {"RGB", "RGBA"} else None
            shown = shrunk(opened, file, lambda size: max(1, max(size) // longest), limits)
            shown.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            packed = io.BytesIO()
            shown.save(packed, "JPEG", quality=VIEW_QUALITY, icc_profile=profile)
            return packed.getvalue()
    except Exception as error:  # decoders raise exceptions of any kind
        return unreadable_from(error)


def exif_of(path: bytes, expected: Identity, *, limits: Limits) -> Mapping[str, str] | Unreadable:
    """The names and values of the tags as text, in the order of the file. Values may be any text, unescaped."""
    try:
        with ignoring_warnings(), open_steady(path, expected) as (file, _):
            return dict(_tags(open_picture(file, limits).exif))
    except Exception as error:  # as above
        return unreadable_from(error)


def _tags(exif: Image.Exif) -> Iterator[tuple[str, str]]:
    yield from _named(dict(exif), ExifTags.TAGS)
    for directory in _DIRECTORIES:
        names = ExifTags.GPSTAGS if directory is ExifTags.IFD.GPSInfo else ExifTags.TAGS
        yield from _named(exif.get_ifd(directory), names)


def _named(tags: Mapping[int, object], names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for tag, value in tags.items():
        name = names.get(tag, f"tag {tag:#06x}")
        if name not in _HIDDEN_TAGS:
            yield name, _as_text(value)


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, tuple):
        return ", ".join(map(_as_text, value))[:_LONGEST_VALUE]
    return " ".join(str(value).replace("\0", " ").split())[:_LONGEST_VALUE]
