from __future__ import annotations

import io

import pytest
from PIL import Image

from dedupctl.fingerprint.thumbnail import MOST_BYTES, thumbnail_fault


def packed(size: tuple[int, int], container: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(buffer, container, quality=85)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(320, 320), (320, 1), (1, 320)])
def test_the_largest_thumbnail_is_one(size: tuple[int, int]) -> None:
    assert thumbnail_fault(packed(size)) is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (packed((321, 10)), "it has 321 x 10 pixels"),
        (packed((10, 321)), "it has 10 x 321 pixels"),
        (packed((10, 10), "PNG"), "cannot identify image file"),
        (packed((320, 320))[:-2000], "truncated"),
        (b"", "cannot identify image file"),
        (bytes(MOST_BYTES + 1), "it has more than 262,144 bytes"),
    ],
)
def test_what_is_none_is_told(data: bytes, fault: str) -> None:
    assert fault in (thumbnail_fault(data) or "")
