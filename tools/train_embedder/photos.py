"""Photos of any folder or tar file, shrunk once into one file of the run, from which every view is made.

A view needs 160 to 224 pixels a side, a camera's photo has 4,000: decoding that again for every view would cost twenty
times what the view costs. What is packed also fixes what a run was trained on, whatever happens to the folder later.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePath
from random import Random
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from .pictures import Pixels, as_pixels, resized

SHORTER_SIDE = 256
"""Of a packed photo, at most: a crop of a quarter of the area still has the pixels of a view."""
QUALITY = 92
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".jxl", ".tif", ".tiff", ".bmp", ".gif"}
SMALLEST_SIDE = 64
"""Icons and thumbnails below this are left out: their copies have no detail to be known by."""
BYTES_NAME, ENDS_NAME, NAMES_NAME, PACKED_NAME = "photos.bin", "photos.npy", "photos.txt", "photos.json"


@dataclass(frozen=True, slots=True)
class Packed:
    """What an album was made of."""

    taken: dict[str, int]
    """How many photos of each source, by its name."""
    refused: list[str]
    """A line a file that was left out: its name and why."""

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """None if no album lies in the folder, or only part of one."""
        path = folder / PACKED_NAME
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


class Album:
    """The packed photos of a run, decoded when asked for. Opened anew in every process that uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self._folder,)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> Pixels:
        start = int(self._ends[number - 1]) if number else 0
        return _decoded(self._bytes[start : int(self._ends[number])])

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        return np.asarray(np.load(self._folder / ENDS_NAME), np.int64)

    @cached_property
    def _bytes(self) -> npt.NDArray[np.uint8]:
        return np.memmap(self._folder / BYTES_NAME, np.uint8, "r")


def pack(sources: Sequence[Path], folder: Path) -> Packed:
    """Write the photos of all sources into `folder`, one source after the other, each in the order of its names.

    Raises:
        ValueError: a source is neither a folder nor a tar file, two have one name, or there is no photo in any of them.
    """
    packed = Packed(dict.fromkeys((source.name for source in sources), 0), [])
    if len(packed.taken) < len(sources):
        raise ValueError("two sources of photos have the same name")
    ends, position = [], 0
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / BYTES_NAME).open("wb") as out, (folder / NAMES_NAME).open("w", encoding="utf-8") as names:
        for source in sources:
            for name, data in pictures_of(source):
                try:
                    small = shrunk(data)
                except ValueError as error:
                    packed.refused.append(f"{name}: {error}")
                    continue
                position += out.write(small)
                ends.append(position)
                packed.taken[source.name] += 1
                print(f"{source.name}/{name}", file=names)
    if not ends:
        raise ValueError(f"no photo in {', '.join(map(str, sources))}")
    np.save(folder / ENDS_NAME, np.array(ends, np.int64))
    (folder / PACKED_NAME).write_text(json.dumps(asdict(packed), indent=2) + "\n", encoding="utf-8")
    return packed


def pictures_of(source: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file of a folder or tar file that is named like a picture.

    Raises:
        ValueError: it is neither.
    """
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                yield str(path.relative_to(source)), path.read_bytes()
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            for member in archive:
                opened = archive.extractfile(member) if PurePath(member.name).suffix.lower() in SUFFIXES else None
                if opened is not None:
                    yield member.name, opened.read()
    else:
        raise ValueError(f"{source} is neither a folder nor a tar file")


def shrunk(data: bytes) -> bytes:
    """A picture file as a JPEG small enough to pack; one that is small enough as it is stays what it is.

    Raises:
        ValueError: it cannot be read, or it is too small to be worth it.
    """
    # Reading any format needs what the product needs. A run that was packed elsewhere goes on without it.
    from dedupctl.domain import Unreadable
    from dedupctl.fingerprint.decode import decode_small

    read = decode_small(data)
    if isinstance(read, Unreadable):
        raise ValueError(str(read))  # noqa: TRY004 - the argument is of the right type, but no photo
    shorter = min(read.image.size)
    if shorter < SMALLEST_SIDE:
        raise ValueError(f"only {shorter} pixels")
    facts = read.facts
    if facts.format in {"JPEG", "WEBP"} and facts.orientation == 1 and min(facts.width, facts.height) <= SHORTER_SIDE:
        return data
    pixels = np.asarray(read.image, np.uint8)
    factor = min(1.0, SHORTER_SIDE / shorter)
    return encoded(resized(pixels, read.image.width * factor, read.image.height * factor))


def encoded(pixels: Pixels, quality: int = QUALITY) -> bytes:
    """The picture as a JPEG file."""
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return packed.tobytes()


def held_out(count: int, share: float) -> tuple[list[int], list[int]]:
    """Numbers of the photos to train on and of those never trained on, both in order.

    The same whatever the seed of the run: one that goes on where another ended sees other views, of the same photos.
    """
    order = list(range(count))
    # The draw of the runs that the built-in model came of, so that who goes on from it holds out what they did.
    Random("7 held out").shuffle(order)
    kept = round(share * count)
    return sorted(order[kept:]), sorted(order[:kept])


def _decoded(data: npt.NDArray[np.uint8]) -> Pixels:
    return as_pixels(cv2.cvtColor(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB))
