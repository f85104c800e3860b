from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from dedupctl.domain import Content, File, FileState, Identity, PictureFacts
from dedupctl.matching.keeper import Standing, default_preference

FACTS = PictureFacts("JPEG", 4000, 3000, taken_at="2020-05-01T10:00:00", exif_tags=20)


def standing(path: bytes = b"/photos/a.jpg", *, size: int = 1000, cropped: bool = False, **facts: object) -> Standing:
    content = Content(1, b"", size, replace(FACTS, **facts), None, False, b"")  # type: ignore[arg-type]
    return Standing(File(1, 1, path, Identity(1, 1, size, 0, 0), FileState.PRESENT, 1), path, content, cropped)


ORDER = {
    "uncropped before more pixels": (standing(width=2000), standing(cropped=True)),
    "more pixels before a better format": (standing(format="WEBP"), standing(format="RAW", width=3000)),
    "raw before JPEG": (standing(format="RAW", size=10), standing()),
    "lossless before JPEG": (standing(format="PNG", size=10), standing()),
    "JPEG before AVIF": (standing(size=10), standing(format="AVIF")),
    "HEIF before WebP": (standing(format="HEIF", size=10), standing(format="WEBP")),
    "more bytes before more metadata": (standing(size=1001, exif_tags=0), standing()),
    "more metadata before an earlier date": (standing(taken_at=None), standing(exif_tags=3, taken_at="1999")),
    "an earlier date before a later": (standing(b"/long/path/b.jpg"), standing(taken_at="2021-01-01T00:00:00")),
    "any date before none": (standing(b"/long/path/b.jpg"), standing(taken_at=None)),
    "a shorter path before a longer": (standing(b"/b.jpg"), standing(b"/a (1).jpg")),
    "paths in order": (standing(b"/a.jpg"), standing(b"/b.jpg")),
}


@pytest.mark.parametrize(("kept", "dropped"), ORDER.values(), ids=ORDER)
def test_the_better_one_is_kept(kept: Standing, dropped: Standing) -> None:
    assert default_preference(kept) < default_preference(dropped)


def test_two_files_never_stand_equal() -> None:
    ranks = [default_preference(standing(path)) for path in (b"/a.jpg", b"/b.jpg", b"/\xff.jpg")]
    assert all(one != other for one, other in permutations(ranks, 2))
