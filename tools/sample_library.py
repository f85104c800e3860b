"""Lays out a newcomer's sample library: photos, copies of every kind of them, and look-alikes that are no copies.

The photos are those that scikit-image ships in its wheel (`pip install dedupctl[sample]`); where it is not installed,
drawn scenes stand in for them. `truth.csv` beside the pictures says what each file is: the file, what it was made from,
the kind of pair the two make, and how it was made.
"""

from __future__ import annotations

import csv
import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Picture = Image.Image
Edit = Callable[[Picture], Picture]
EXIF_MAKE, EXIF_MODEL, EXIF_DATE = 0x010F, 0x0110, 0x0132

# The name here -> the file scikit-image ships.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "galaxies": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "motorcycle, one step aside": "motorcycle_right.png",
    "photographer": "camera.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}


@dataclass(frozen=True)
class Copy:
    """A file made from another one. Without `edit` the pixels stay what they are."""

    path: str
    source: str
    kind: str
    how: str
    edit: Edit | None = None
    quality: int = 90


def main() -> int:
    """Write the library into the folder named on the command line; its number of pictures on standard output."""
    if len(sys.argv) != 2:
        print("usage: sample_library.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    if folder.exists() and any(folder.iterdir()):
        print(f"{folder} is not empty", file=sys.stderr)
        return 2
    print(f"{lay_out(folder)} pictures in {folder}")
    return 0


def lay_out(folder: Path) -> int:
    """Write every picture and `truth.csv`; how many pictures there are."""
    originals = {f"photos/{name}.jpg": photo(name) for name in PHOTOS}
    originals["photos/sunset.png"] = scene(seed=7)
    originals["scans/letter to Ada.png"] = letter("Ada", seed=1)
    originals["scans/letter to Grace.png"] = letter("Grace", seed=2)
    for number, (name, picture) in enumerate(originals.items()):
        save(picture, folder / name, quality=95, exif=camera_exif(number))
    for copy in COPIES:
        write_copy(copy, folder, originals)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "made from", "kind", "how"])
        table.writerows((copy.path, copy.source, copy.kind, copy.how) for copy in [*COPIES, ANOTHER_SHOT])
    return len(originals) + len(COPIES)


def write_copy(copy: Copy, folder: Path, originals: dict[str, Picture]) -> None:
    """Make one copy from its source: from the file where the very bytes or pixels count, else from the picture."""
    target, source = folder / copy.path, folder / copy.source
    target.parent.mkdir(parents=True, exist_ok=True)
    if copy.kind == "exact":
        shutil.copyfile(source, target)
    elif copy.kind == "pixel" and target.suffix == ".jpg":
        target.write_bytes(with_comment(source.read_bytes(), b"a holiday to remember"))
    elif copy.edit:
        save(copy.edit(originals[copy.source]), target, quality=copy.quality)
    else:
        with Image.open(source) as picture:
            save(picture, target, quality=copy.quality)


def save(picture: Picture, path: Path, *, quality: int, exif: Image.Exif | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".jpg", ".webp"):
        picture.convert("RGB").save(path, quality=quality, exif=exif or Image.Exif())
    else:
        picture.save(path, exif=exif or Image.Exif())


def photo(name: str) -> Picture:
    """A photo of scikit-image, or a drawn scene where that is not installed."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        number = list(PHOTOS).index(name)
        aside = 12 if "aside" in name else 0
        return scene(seed=100 + number - bool(aside), aside=aside)
    with Image.open(Path(package.origin).parent / "data" / PHOTOS[name]) as picture:
        return picture.convert("RGB")


def scene(seed: int, aside: int = 0) -> Picture:
    """A drawn landscape; `aside` steps to the right: near things move more than far ones."""
    choose = np.random.default_rng(seed)
    width, height = 640, 440
    top, bottom = choose.integers(90, 250, 3), choose.integers(20, 160, 3)
    slope = np.linspace(0, 1, height)[:, None, None]
    sky = np.broadcast_to(top * (1 - slope) + bottom * slope, (height, width, 3))
    picture = Image.fromarray(np.clip(sky + choose.normal(0, 6, sky.shape), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for depth in range(60):
        x, y = int(choose.integers(-20, width)), int(choose.integers(height // 4, height))
        reach = int(choose.integers(8, 20 + depth))
        color = tuple(int(part) for part in choose.integers(0, 255, 3))
        outline = choose.random() < 0.5
        x -= aside * depth // 30
        draw = pen.ellipse if outline else pen.rectangle
        draw((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=color, outline=(20, 20, 20))
    return picture


def letter(name: str, seed: int) -> Picture:
    """A letter on white paper: two of them share the layout and say other things, so they are no copies."""
    words = ("picture", "library", "copy", "proof", "evidence", "keeper", "folder", "scan", "shutter", "lens", "film")
    choose = np.random.default_rng(seed)
    page = Image.new("L", (620, 877), 250)
    pen = ImageDraw.Draw(page)
    pen.rectangle((40, 40, 580, 90), outline=0, width=3)
    pen.text((60, 56), "DEAR " + name.upper(), fill=0, font_size=20)
    for line in range(26):
        pen.text((60, 130 + 26 * line), " ".join(choose.choice(words, 7)), fill=30, font_size=15)
    return page


def with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """The same JPEG with a comment segment: other metadata, the same image stream."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def camera_exif(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[EXIF_MAKE], exif[EXIF_MODEL] = "Sample", "Camera 1"
    exif[EXIF_DATE] = f"2024:05:{number + 1:02d} 12:{number:02d}:00"
    return exif


def scaled(share: float) -> Edit:
    return lambda picture: picture.resize((round(picture.width * share), round(picture.height * share)))


def cropped(left: float, top: float, right: float, bottom: float) -> Edit:
    def crop(picture: Picture) -> Picture:
        width, height = picture.size
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    return crop


def turned(degrees: float) -> Edit:
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def framed(color: str) -> Edit:
    return lambda picture: ImageOps.expand(picture, border=picture.width // 12, fill=color)


def captioned(text: str) -> Edit:
    def caption(picture: Picture) -> Picture:
        picture = picture.copy()
        pen = ImageDraw.Draw(picture)
        size = picture.height // 9
        middle = (picture.width // 2, picture.height - size)
        pen.text(middle, text, "white", font_size=size, anchor="mm", stroke_width=2, stroke_fill="black")
        return picture

    return caption


def brightened(picture: Picture) -> Picture:
    return ImageEnhance.Contrast(ImageEnhance.Brightness(picture).enhance(1.25)).enhance(1.15)


def blurred(picture: Picture) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(1.5))


COPIES = [
    Copy("phone backup/IMG_0001.jpg", "photos/astronaut.jpg", "exact", "copied"),
    Copy("phone backup/IMG_0002.jpg", "photos/cat.jpg", "exact", "copied"),
    Copy("phone backup/IMG_0003.jpg", "photos/coffee.jpg", "exact", "copied"),
    Copy("phone backup/old/IMG_0001 (1).jpg", "photos/astronaut.jpg", "exact", "copied again"),
    Copy("tagged/rocket.jpg", "photos/rocket.jpg", "pixel", "comment added, image stream untouched"),
    Copy("tagged/coins.jpg", "photos/coins.jpg", "pixel", "comment added, image stream untouched"),
    Copy("tagged/sunset.tif", "photos/sunset.png", "pixel", "saved in another lossless format"),
    Copy("shared/astronaut.jpg", "photos/astronaut.jpg", "near", "saved again at quality 55", quality=55),
    Copy("shared/cat.webp", "photos/cat.jpg", "near", "saved as WebP", quality=70),
    Copy("shared/galaxies.jpg", "photos/galaxies.jpg", "near", "half size", scaled(0.5), 80),
    Copy("shared/retina.jpg", "photos/retina.jpg", "near", "a quarter of the size", scaled(0.25), 80),
    Copy("shared/motorcycle.jpg", "photos/motorcycle.jpg", "near", "enlarged, saved at quality 60", scaled(1.5), 60),
    Copy("shared/moon.png", "photos/moon.jpg", "near", "a third of the size, as PNG", scaled(0.34)),
    Copy("edited/cat, head.jpg", "photos/cat.jpg", "near", "cropped to 63 %", cropped(0.1, 0.0, 0.8, 0.9)),
    Copy("edited/coffee, cup.jpg", "photos/coffee.jpg", "near", "cropped to 56 %", cropped(0.15, 0.1, 0.9, 0.85)),
    Copy(
        "edited/astronaut, portrait.jpg", "photos/astronaut.jpg", "near", "cropped to 48 %", cropped(0.1, 0, 0.7, 0.8)
    ),
    Copy("edited/rocket, turned.jpg", "photos/rocket.jpg", "near", "rotated by 90°", turned(90)),
    Copy("edited/motorcycle, turned.jpg", "photos/motorcycle.jpg", "near", "rotated by 7°", turned(7)),
    Copy("edited/photographer, turned.jpg", "photos/photographer.jpg", "near", "rotated by 180°", turned(180)),
    Copy("edited/cat, mirrored.jpg", "photos/cat.jpg", "near", "mirrored", ImageOps.mirror),
    Copy("edited/astronaut, mirrored.jpg", "photos/astronaut.jpg", "near", "mirrored", ImageOps.mirror),
    Copy("edited/coffee, framed.jpg", "photos/coffee.jpg", "near", "white border", framed("white")),
    Copy("edited/rocket, framed.jpg", "photos/rocket.jpg", "near", "black border", framed("black")),
    Copy("edited/cat, captioned.jpg", "photos/cat.jpg", "near", "caption", captioned("MONDAY")),
    Copy("edited/coffee, brighter.jpg", "photos/coffee.jpg", "near", "brighter, more contrast", brightened),
    Copy("edited/coins, soft.jpg", "photos/coins.jpg", "near", "blurred", blurred),
    Copy("edited/rocket, grey.jpg", "photos/rocket.jpg", "near", "without colour", ImageOps.grayscale),
]
ANOTHER_SHOT = Copy("photos/motorcycle, one step aside.jpg", "photos/motorcycle.jpg", "similar", "another shot")


if __name__ == "__main__":
    sys.exit(main())
