"""Is this a thumbnail as the fingerprinter makes them? Asked of one that came from elsewhere."""

from __future__ import annotations

import io

from PIL import Image

from dedupctl.fingerprint.fingerprinter import THUMBNAIL_SIDE
from dedupctl.fingerprint.outcome import outcome_of, quietly

MOST_BYTES = 256 << 10
"""Pure noise of `THUMBNAIL_SIDE` x `THUMBNAIL_SIDE` pixels takes 100 kB at the quality used."""


def thumbnail_fault(data: bytes) -> str | None:
    """Why these bytes are no thumbnail, in words; None for a small JPEG that can be decoded to its end."""
    if len(data) > MOST_BYTES:
        return f"it has more than {MOST_BYTES:,} bytes"
    try:
        with quietly(), Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if max(image.size) > THUMBNAIL_SIDE:  # before anything is decoded
                return (
                    f"it has {image.width} x {image.height} pixels, where the longer side is {THUMBNAIL_SIDE} at most"
                )
            image.load()
    except Exception as error:  # decoders raise whatever they like
        return outcome_of(error).message
    return None
