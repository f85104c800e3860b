"""Lays out one benchmark set on disk and knows its truth: which picture was made from which original."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from copies_edits import EDITS, Edit, Source, encode
from copies_negatives import negatives
from PIL import Image, ImageOps

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
TEMPLATE_PHOTOS, BACKGROUNDS = 36, 6
"""Photos that fill meme, screenshot and logo templates, and that others are pasted on; the set holds no other form of
them. There are few backgrounds, so that many copies share one: it must not make them copies of each other."""
PAGE_EDITS = ("jpeg_q50", "png", "half_size", "messenger", "crop_05", "less_contrast")
"""What happens to pages and chats: they must be found too, or a proof could pass by refusing every page."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the set. Two items of one `origin` are copies, any others are not."""

    path: Path
    origin: str
    edit: str
    """ "original" for what the others were made from."""
    group: str
    """Group of the edit; for originals the kind of picture: "photo", "scene:<name>", "document", ..."""


def photo_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)


def make_set(photos: Path, scenes: Path | None, out: Path, limit: int, seed: int) -> list[Item]:
    """Write the whole set under `out` (emptied first) and return its items.

    `limit` photos are edited, spread evenly over `photos`; some fill templates and backgrounds, the others are there to
    be confused with.
    """
    shutil.rmtree(out, ignore_errors=True)
    files = photo_files(photos)
    set_aside = _spread(files, TEMPLATE_PHOTOS + BACKGROUNDS)
    library = [path for path in files if path not in set(set_aside)]
    grounds = [_opened(path) for path in set_aside[TEMPLATE_PHOTOS:]]
    items = list(_photo_items(library, set(_spread(library, limit)), grounds, out, seed))
    items += _negative_items([_opened(path) for path in set_aside[:TEMPLATE_PHOTOS]], out, seed)
    if scenes is not None:
        items += _scene_items(scenes, out)
    return items


def _spread(files: Sequence[Path], count: int) -> Sequence[Path]:
    return files[:: max(1, len(files) // count)][:count]


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _photo_items(
    library: Sequence[Path], edited: set[Path], grounds: Sequence[Image.Image], out: Path, seed: int
) -> Iterator[Item]:
    for number, path in enumerate(library):
        name = f"{number:05d}"
        image = _opened(path)
        raw = path.read_bytes()
        if raw[:2] != b"\xff\xd8":
            raw = encode(image, quality=92)[0]
        yield Item(_written(out / "originals" / f"{name}.jpg", raw), name, "original", "photo")
        if path in edited:
            source = Source(raw, image, grounds[number % len(grounds)])
            yield from _copies(EDITS, source, name, out, seed)


def _copies(edits: Sequence[Edit], source: Source, name: str, out: Path, seed: int) -> Iterator[Item]:
    for edit in edits:
        data, suffix = edit.make(source, Random(f"{seed}/{name}/{edit.name}"))
        yield Item(_written(out / "copies" / edit.name / f"{name}{suffix}", data), name, edit.name, edit.group)


def _negative_items(photos: list[Image.Image], out: Path, seed: int) -> Iterator[Item]:
    by_name = {edit.name: edit for edit in EDITS}
    for number, (kind, picture) in enumerate(negatives(photos, seed)):
        name = f"{kind}{number:03d}"
        data, suffix = encode(picture, "png" if number % 2 else "jpg")
        yield Item(_written(out / "negatives" / kind / f"{name}{suffix}", data), name, "original", kind)
        if kind in {"document", "form", "chat"} and number % 2 == 0:
            source = Source(data, picture, picture)
            for item in _copies([by_name[edit] for edit in PAGE_EDITS], source, name, out, seed):
                yield Item(item.path, name, f"page_{item.edit}", "pages")


def _scene_items(scenes: Path, out: Path) -> Iterator[Item]:
    for path in photo_files(scenes):
        scene = path.parent.name
        copy = _written(out / "scenes" / scene / path.name, path.read_bytes())
        yield Item(copy, f"{scene}/{path.stem}", "original", f"scene:{scene}")
