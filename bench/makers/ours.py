"""The edits and look-alikes of `copies_edits` and `copies_negatives`, and series that were really taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from copies_edits import EDITS, Source, encode
from copies_negatives import negatives

from makers.truth import Made, opened, photo_files, saved_again

PAGES = ("document", "form", "chat", "meme")


def edits(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """Each photo in all forms of `copies_edits`."""
    for number, photo in enumerate(photos):
        group = f"{number:04d}"
        raw = encode(opened(photo), quality=95)[0]
        saved = _saved(folder, f"{group}/original.jpg", raw)
        yield Made(saved, group, group, "original", source=True)
        source = Source(raw, opened(folder / saved), opened(photos[number - 1]))
        for edit in EDITS:
            data, suffix = edit.make(source, Random(f"{seed}/{group}/{edit.name}"))
            family = f"{edit.group}_{edit.name}"
            yield Made(_saved(folder, f"{group}/{edit.name}{suffix}", data), group, group, family)


def look_alikes(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """The families of `copies_negatives`, filled with at least 36 photos."""
    pictures = [opened(photo) for photo in photos[:36]]
    for number, (kind, picture) in enumerate(negatives(pictures, seed)):
        data, suffix = encode(picture, "png" if number % 2 else "jpg")
        made = Made(_saved(folder, f"{kind}/{number:03d}{suffix}", data), kind, f"{kind}{number}", kind)
        yield from saved_again(folder, made) if kind in PAGES and number % 3 == 0 else (made,)


def taken(folders: Sequence[Path], folder: Path) -> Iterator[Made]:
    """Real series: a folder of other shots of one scene, or pairs `NAME_A` and `NAME_B` of two exposures."""
    for series in folders:
        for path in photo_files(series):
            stem = path.stem
            group = f"{series.name}/{stem[:-2]}" if stem[-2:] in ("_A", "_B") else series.name
            yield Made(str(path.resolve()), group, f"{series.name}/{stem}", f"taken_{series.name}")
    folder.mkdir(parents=True, exist_ok=True)


def _saved(folder: Path, name: str, data: bytes) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return name
