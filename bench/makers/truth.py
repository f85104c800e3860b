"""What is known of the pictures a maker made: which are copies of which, and which are other pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Made:
    """One picture. Two of one group and one origin are copies; two of one group and other origins are not."""

    path: str
    """Relative to the maker's folder."""
    group: str
    """A photo with its edits, a template with its fillings, or a series: pictures are compared within it."""
    origin: str
    family: str
    """The edit, or the kind of look-alike."""
    source: bool = False
    """What the copies of its group were made from; they are compared with it only."""


@dataclass(frozen=True, slots=True)
class Comparison:
    a: Made
    b: Made
    are_copies: bool

    @property
    def family(self) -> str:
        return self.b.family


Make = Callable[[Path], Iterator[Made]]
"""Writes pictures below a folder and says what each of them is."""


def cached(folder: Path, stamp: object, make: Make) -> list[Made]:
    """What `make` made in `folder`, made anew only where the stamp of an earlier run is another."""
    listed = folder / "made.json"
    told = json.dumps(stamp, sort_keys=True, default=str)
    if listed.exists():
        known = json.loads(listed.read_text())
        if known["stamp"] == told:
            return [Made(**row) for row in known["made"]]
    folder.mkdir(parents=True, exist_ok=True)
    made = list(make(folder))
    listed.write_text(json.dumps({"stamp": told, "made": [asdict(one) for one in made]}))
    return made


def comparisons(made: Sequence[Made]) -> Iterator[Comparison]:
    """Every copy with its source, and every two other pictures of one group."""
    groups: dict[str, list[Made]] = {}
    for one in made:
        groups.setdefault(one.group, []).append(one)
    for members in groups.values():
        for a, b in combinations(members, 2):
            if a.origin != b.origin:
                yield Comparison(a, b, are_copies=False)
            elif a.source or b.source:
                yield Comparison(a, b, are_copies=True) if a.source else Comparison(b, a, are_copies=True)


def photo_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def written(folder: Path, name: str, image: Image.Image, **options: Any) -> str:
    """Save as the suffix says (JPEG at quality 92 unless told) and return the name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        options.setdefault("quality", 92)
    image.convert("RGB").save(path, **options)
    return name


def saved_again(folder: Path, made: Made) -> Iterator[Made]:
    """A picture of a template as the source of three copies: a proof that refuses every page would find none."""
    image = opened(folder / made.path)
    yield replace(made, source=True)
    half, most = (
        image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
        for factor in (0.5, 0.7)
    )
    stem = made.path.rpartition(".")[0]
    for name, shown, options in (
        ("quality_50.jpg", image, {"quality": 50}),
        ("half.png", half, {}),
        ("reduced.jpg", most, {"quality": 80}),
    ):
        path = written(folder, f"{stem}_{name}", shown, **options)
        yield Made(path, made.group, made.origin, f"page_{name.partition('.')[0]}")
