"""What the bench takes for copies and for other pictures, and that its pictures are made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from makers.exposures import make as make_series
from makers.truth import Made, cached, comparisons, opened, saved_again, written
from PIL import Image


def test_copies_are_compared_with_their_source_only_and_strangers_with_each_other() -> None:
    source = Made("a.jpg", "g", "one", "original", source=True)
    copies = [Made(f"{name}.jpg", "g", "one", name) for name in ("half", "grey")]
    stranger, elsewhere = Made("b.jpg", "g", "two", "tripod"), Made("c.jpg", "h", "three", "tripod")
    found = {
        (pair.a.path, pair.b.path): pair.are_copies for pair in comparisons([source, *copies, stranger, elsewhere])
    }
    assert found == {
        ("a.jpg", "half.jpg"): True,
        ("a.jpg", "grey.jpg"): True,
        ("a.jpg", "b.jpg"): False,
        ("half.jpg", "b.jpg"): False,
        ("grey.jpg", "b.jpg"): False,
    }


def test_pictures_are_made_once_for_one_stamp(tmp_path: Path) -> None:
    calls: list[Path] = []

    def make(folder: Path) -> Iterator[Made]:
        calls.append(folder)
        yield Made(written(folder, "a.png", Image.new("RGB", (8, 8))), "g", "one", "plain")

    assert cached(tmp_path, ("seed", 1), make) == cached(tmp_path, ("seed", 1), make)
    assert len(calls) == 1
    cached(tmp_path, ("seed", 2), make)
    assert len(calls) == 2


def test_a_page_is_saved_again_as_copies_of_itself(tmp_path: Path) -> None:
    made = Made(written(tmp_path, "t/0.png", Image.new("RGB", (80, 60), "white")), "t", "0", "table")
    first, *copies = saved_again(tmp_path, made)
    assert first.source
    assert {copy.origin for copy in copies} == {made.origin}
    assert opened(tmp_path / copies[1].path).size == (40, 30)


def test_two_shots_of_a_series_share_the_scene_and_not_the_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    photos = []
    for number in range(3):
        soft = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((400, 300))
        photos.append(tmp_path / written(tmp_path, f"{number}.png", soft))
    bracket = [made for made in make_series(photos, 4, 2, 1, tmp_path / "series") if made.family == "bracket"]
    one, other = (np.asarray(opened(tmp_path / "series" / made.path).convert("L"), float) for made in bracket)
    assert one.shape == other.shape
    assert one.mean() < 0.8 * other.mean()
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.8
