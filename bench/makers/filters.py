"""Edits by pilgram, which imitates the filters of a photo app, saved as such an app saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pilgram
from PIL import Image

from makers.truth import Made, opened, written

FILTERS = (
    *("_1977", "aden", "brannan", "brooklyn", "clarendon", "earlybird", "gingham", "hudson", "inkwell", "kelvin"),
    *("lark", "lofi", "maven", "mayfair", "moon", "nashville", "perpetua", "reyes", "rise", "slumber", "stinson"),
    *("toaster", "valencia", "walden", "willow", "xpro2"),
)
_SQUARE = 3
"""Every third filtered picture is cropped to a square too, as the app does."""


def make(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """Each photo and all its filtered forms."""
    for number, photo in enumerate(photos):
        group = f"{number:04d}"
        source = written(folder, f"{group}/original.jpg", opened(photo), quality=95)
        yield Made(source, group, group, "original", source=True)
        image = opened(folder / source)
        for place, name in enumerate(FILTERS):
            random = Random(f"{seed}/{number}/{name}")
            shown = getattr(pilgram, name)(image.copy()).convert("RGB")
            is_square = (place + number) % _SQUARE == 0
            shown = _square(shown) if is_square else shown
            target = f"{group}/{name.strip('_')}{'_square' if is_square else ''}.jpg"
            written(folder, target, shown, quality=random.choice((70, 80, 90)), subsampling=2)
            yield Made(target, group, group, f"{'hard_square' if is_square else 'filter'}_{name.strip('_')}")


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))
