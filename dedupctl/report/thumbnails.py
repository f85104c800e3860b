"""Thumbnails for a page: read from the cache in batches, and reduced until all of them fit."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from io import BytesIO

from PIL import Image

from dedupctl.catalog.thumbs import Thumbs

SIDES = (None, 224, 176, 144, 112, 88)
"""Longest sides to try, in pixels, largest first; None means as stored."""
_SAMPLE = 48
_QUALITY = 78


class Pictures:
    """The thumbnails of a page as `data:` addresses, which need no file and no network."""

    def __init__(self, thumbs: Thumbs, side: int | None) -> None:
        self._thumbs = thumbs
        self._side = side
        self._ready: dict[bytes, str] = {}

    def load(self, digests: Collection[bytes]) -> None:
        """Load what the next part of the page shows, and drop what was loaded before."""
        found = self._thumbs.get(set(digests))
        ready = {digest: shrunk(jpeg, self._side) for digest, jpeg in found.items()}
        self._ready = {digest: data_address(jpeg) for digest, jpeg in ready.items() if jpeg is not None}

    def address(self, digest: bytes) -> str | None:
        """The picture as a `data:` address; None if no thumbnail is stored."""
        return self._ready.get(digest)


def data_address(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def side_that_fits(thumbs: Thumbs, digests: Sequence[bytes], budget: int) -> int | None:
    """The largest of `SIDES` at which these thumbnails take about `budget` bytes in a page, estimated from a sample."""
    step = max(1, len(digests) // _SAMPLE)
    sample = list(thumbs.get(digests[::step]).values())
    if not sample:
        return None
    for side in SIDES:
        average = sum(len(shrunk(jpeg, side) or b"") for jpeg in sample) / len(sample)
        if average * len(digests) * 4 / 3 <= budget:
            return side
    return SIDES[-1]


def shrunk(jpeg: bytes, side: int | None) -> bytes | None:
    """The picture with its longer side at most `side` pixels; unchanged if `side` is None or it is small enough.

    None if it is not a picture.
    """
    if side is None:
        return jpeg
    picture = opened(jpeg, side)
    if picture is None or max(picture.size) <= side:
        return jpeg if picture else None
    picture.thumbnail((side, side))
    packed = BytesIO()
    picture.save(packed, "JPEG", quality=_QUALITY, optimize=True)
    return packed.getvalue()


def opened(jpeg: bytes, side: int) -> Image.Image | None:
    """The thumbnail as RGB, decoded no larger than needed for `side` pixels; None if the cache holds no picture."""
    try:
        picture = Image.open(BytesIO(jpeg))
        share = side / max(picture.size)
        if share < 1:
            # Asking for a square would leave the shorter side too large and cost four times as much.
            picture.draft("RGB", (max(1, int(picture.width * share)), max(1, int(picture.height * share))))
        return picture.convert("RGB")
    except (OSError, ValueError):
        return None
