"""Checking whether a thumbnail that was imported could have been made by the fingerprinter."""

from __future__ import annotations

import io

from PIL import Image

from dedupctl.fingerprint.fingerprinter import THUMBNAIL_SIDE
from dedupctl.fingerprint.unreadable import ignoring_warnings, unreadable_from

MOST_BYTES = 256 << 10
"""At the quality used, even pure noise of `THUMBNAIL_SIDE` x `THUMBNAIL_SIDE` pixels takes 100 kB."""


def thumbnail_fault(data: bytes) -> str | None:
    """Why these bytes are not a thumbnail, in words; None for a small JPEG that can be decoded completely."""
    if len(data) > MOST_BYTES:
        return f"it has more than {MOST_BYTES:,} bytes"
    try:
        with ignoring_warnings(), Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if max(image.size) > THUMBNAIL_SIDE:  # checked before anything is decoded
                return f"it has {image.width} x {image.height} pixels; the longer side may have {THUMBNAIL_SIDE}"
            image.load()
    except Exception as error:  # decoders raise exceptions of any kind
        return unreadable_from(error).message
    return None
