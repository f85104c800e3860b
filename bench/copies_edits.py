"""The edits people make to a photo before it ends up in a library twice.

Three groups, because they are judged apart: `library` (what cameras, phones, exporters and messengers do), `five` (the
edits of imagededup's published benchmark) and `hard` (large crops, overlays, screenshots, collages, two edits at once).
Everything is drawn with Pillow from a generator seeded by the photo and the edit: one set is the same every time.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import pillow_heif
from copies_drawing import caption_bar, font, phone_screen, sentence, with_emoji
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

pillow_heif.register_heif_opener()

COLOURS = ((0, 0, 0), (255, 255, 255), (128, 128, 128), (196, 30, 58), (24, 60, 120), (245, 235, 215))


@dataclass(frozen=True, slots=True)
class Source:
    """One original: its bytes, its pixels, and another photo that serves as a background."""

    raw: bytes
    image: Image.Image
    other: Image.Image


Made = tuple[bytes, str]
"""Bytes of the copy and its file suffix."""


@dataclass(frozen=True, slots=True)
class Edit:
    name: str
    group: str
    make: Callable[[Source, Random], Made]


def encode(image: Image.Image, kind: str = "jpg", **options: object) -> Made:
    """Write `image` as `kind` ("jpg" at quality 90 unless told)."""
    pillow_names = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "heic": "HEIF"}
    if kind == "jpg":
        options.setdefault("quality", 90)
    out = io.BytesIO()
    image.convert("RGB").save(out, pillow_names[kind], **options)
    return out.getvalue(), f".{kind}"


def with_exif(raw: bytes, exif: Image.Exif) -> bytes:
    """The same JPEG image stream under another Exif segment."""
    assert raw[:2] == b"\xff\xd8", "only JPEG originals can be given new metadata without touching pixels"
    body = exif.tobytes()
    return raw[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + raw[2:]


def metadata(source: Source, _: Random) -> Made:
    exif = Image.Exif()
    exif[0x0131], exif[0x010E] = "a photo editor 4.2", "edited metadata, same pixels"
    return with_exif(source.raw, exif), ".jpg"


def other_way_up(source: Source, _: Random) -> Made:
    exif = Image.Exif()
    exif[0x0112] = 6
    return with_exif(source.raw, exif), ".jpg"


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(8, round(image.width * factor)), max(8, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def thumbnail(source: Source, _: Random) -> Made:
    return encode(scaled(source.image, 160 / max(source.image.size)), quality=80)


def messenger(source: Source, _: Random) -> Made:
    """A messenger strips metadata, limits the longer side and halves the colour resolution."""
    factor = min(0.8, 1600 / max(source.image.size))
    return encode(scaled(source.image, factor), quality=68, subsampling=2, progressive=True)


def cropped(image: Image.Image, cut: float, random: Random) -> Image.Image:
    """Cut away the share `cut` of the width and of the height, anywhere."""
    width, height = round(image.width * (1 - cut)), round(image.height * (1 - cut))
    left, top = random.randint(0, image.width - width), random.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def turned(image: Image.Image, degrees: float, random: Random) -> Image.Image:
    """Turned by `degrees` to either side; corners filled, cut off by the frame, or cropped to the largest clean box."""
    angle = degrees * random.choice((-1, 1))
    style = random.choice(("expand", "keep", "clean"))
    if style != "clean":
        return image.rotate(angle, Image.Resampling.BICUBIC, style == "expand", fillcolor=random.choice(COLOURS))
    width, height, turn = image.width, image.height, math.radians(degrees)
    shrink = min(
        width / (width * math.cos(turn) + height * math.sin(turn)),
        height / (width * math.sin(turn) + height * math.cos(turn)),
    )
    turned_image = image.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    return (
        ImageOps.fit(turned_image, (int(width * shrink), int(height * shrink)), Image.Resampling.LANCZOS)
        if (turned_image.size == image.size)
        else centre(turned_image, int(width * shrink), int(height * shrink))
    )


def centre(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def tinted(image: Image.Image, gains: tuple[float, float, float]) -> Image.Image:
    bands = [
        band.point(lambda value, gain=gain: min(255, round(value * gain)))
        for band, gain in zip(image.split(), gains, strict=True)
    ]
    return Image.merge("RGB", bands)


def bordered(source: Source, random: Random) -> Made:
    width = round(max(source.image.size) * random.uniform(0.02, 0.08))
    return encode(ImageOps.expand(source.image, width, random.choice(COLOURS)))


def padded(source: Source, random: Random) -> Made:
    side = max(source.image.size)
    size = (
        (side, side)
        if random.random() < 0.5
        else (round(side * 9 / 16), side)
        if random.random() < 0.5
        else (side, side)
    )
    return encode(ImageOps.pad(source.image, size, color=random.choice(COLOURS)))


def watermarked(source: Source, random: Random) -> Made:
    image = source.image.convert("RGBA")
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(layer)
    place = (random.uniform(0.05, 0.5) * image.width, random.uniform(0.2, 0.9) * image.height)
    draw.text(place, "(c) Harbour Photos", font=font(image.width / 14), fill=(255, 255, 255, 130))
    return encode(Image.alpha_composite(image, layer))


def captioned(source: Source, random: Random) -> Made:
    return encode(caption_bar(source.image, sentence(random, 5), random))


def screenshot(source: Source, random: Random) -> Made:
    return encode(phone_screen(source.image, random), "png")


def pasted(source: Source, random: Random) -> Made:
    """Laid on a background, of which it covers a fifth to a half: the background is not the same picture any more."""
    ground = ImageOps.fit(source.other, source.image.size)
    inner = scaled(source.image, math.sqrt(random.uniform(0.2, 0.5)))
    ground.paste(
        inner, (random.randint(0, ground.width - inner.width), random.randint(0, ground.height - inner.height))
    )
    return encode(ground)


def perspective(source: Source, random: Random) -> Made:
    """Seen from the side: every corner moves inwards by up to 15 % of the picture."""
    image = source.image
    width, height = image.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    moved = [
        (
            x + (1 if x == 0 else -1) * random.uniform(0, 0.15) * width,
            y + (1 if y == 0 else -1) * random.uniform(0, 0.15) * height,
        )
        for x, y in corners
    ]
    return encode(
        image.transform(
            image.size,
            Image.Transform.PERSPECTIVE,
            homography(moved, corners),
            Image.Resampling.BICUBIC,
            fillcolor=random.choice(COLOURS),
        )
    )


def homography(source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]) -> list[float]:
    """The eight numbers Pillow wants: they map points of `source` (the result) to `target` (the input)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return list(map(float, np.linalg.solve(np.array(rows), np.array(values))))


def image_edit(change: Callable[[Image.Image, Random], Image.Image]) -> Callable[[Source, Random], Made]:
    return lambda source, random: encode(change(source.image, random))


def saved(kind: str, **options: object) -> Callable[[Source, Random], Made]:
    return lambda source, _: encode(source.image, kind, **options)


def two_at_once(source: Source, random: Random) -> Made:
    """Two different edits, one after the other, of kinds that people combine."""
    changes: list[Callable[[Image.Image], Image.Image]] = [
        lambda image: cropped(image, random.uniform(0.1, 0.3), random),
        ImageOps.mirror,
        lambda image: turned(image, random.choice((5, 15, 25, 90)), random),
        lambda image: ImageOps.grayscale(image).convert("RGB"),
        lambda image: caption_bar(image, sentence(random, 5), random),
        lambda image: ImageEnhance.Brightness(image).enhance(random.choice((0.7, 1.4))),
        lambda image: scaled(image, random.uniform(0.3, 0.6)),
        lambda image: ImageOps.expand(image, image.width // 12, random.choice(COLOURS)),
        lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
        lambda image: image.resize((min(image.size), min(image.size))),
        lambda image: phone_screen(image, random),
    ]
    first, second = random.sample(changes, 2)
    return encode(second(first(source.image)), quality=random.choice((40, 60, 80)))


def _crop(cut: float) -> Callable[[Source, Random], Made]:
    return image_edit(lambda image, random: cropped(image, cut, random))


def _turn(degrees: float) -> Callable[[Source, Random], Made]:
    return image_edit(lambda image, random: turned(image, degrees, random))


def _way(way: Image.Transpose) -> Callable[[Source, Random], Made]:
    return image_edit(lambda image, _: image.transpose(way))


def _enhance(
    enhancer: Callable[[Image.Image], ImageEnhance._Enhance], factor: float
) -> Callable[[Source, Random], Made]:
    return image_edit(lambda image, _: enhancer(image).enhance(factor))


EDITS: tuple[Edit, ...] = (
    Edit("bytes", "library", lambda source, _: (source.raw, ".jpg")),
    Edit("metadata", "library", metadata),
    *(Edit(f"jpeg_q{quality}", "library", saved("jpg", quality=quality)) for quality in (85, 50, 25, 10)),
    Edit("png", "library", saved("png")),
    Edit("webp", "library", saved("webp", quality=75)),
    Edit("avif", "library", saved("avif", quality=60)),
    Edit("heic", "library", saved("heic", quality=55)),
    Edit("half_size", "library", image_edit(lambda image, _: scaled(image, 0.5))),
    Edit("quarter_size", "library", image_edit(lambda image, _: scaled(image, 0.25))),
    Edit("thumbnail_160", "library", thumbnail),
    Edit("messenger", "library", messenger),
    Edit("exif_orientation", "library", other_way_up),
    Edit("turned_90", "library", _way(Image.Transpose.ROTATE_90)),
    Edit("turned_180", "library", _way(Image.Transpose.ROTATE_180)),
    Edit("turned_270", "library", _way(Image.Transpose.ROTATE_270)),
    Edit("mirror_and_q50", "library", lambda source, _: encode(ImageOps.mirror(source.image), quality=50)),
    Edit("crop_05", "library", _crop(0.05)),
    Edit("crop_10", "library", _crop(0.10)),
    Edit("darker", "library", _enhance(ImageEnhance.Brightness, 0.65)),
    Edit("brighter", "library", _enhance(ImageEnhance.Brightness, 1.4)),
    Edit("less_contrast", "library", _enhance(ImageEnhance.Contrast, 0.6)),
    Edit("more_contrast", "library", _enhance(ImageEnhance.Contrast, 1.5)),
    Edit("saturated", "library", _enhance(ImageEnhance.Color, 1.8)),
    Edit("white_balance", "library", image_edit(lambda image, _: tinted(image, (1.2, 1.0, 0.8)))),
    Edit("grey", "library", image_edit(lambda image, _: ImageOps.grayscale(image).convert("RGB"))),
    Edit(
        "blurred", "library", image_edit(lambda image, _: image.filter(ImageFilter.GaussianBlur(max(image.size) / 250)))
    ),
    Edit("sharpened", "library", image_edit(lambda image, _: image.filter(ImageFilter.UnsharpMask(2, 150, 3)))),
    Edit("border", "library", bordered),
    Edit("padded", "library", padded),
    Edit("watermark", "library", watermarked),
    Edit(
        "five_crop",
        "five",
        image_edit(lambda image, _: centre(image, round(image.width * 0.875), round(image.height * 0.875))),
    ),
    Edit("five_mirror", "five", _way(Image.Transpose.FLIP_LEFT_RIGHT)),
    Edit("five_flip", "five", _way(Image.Transpose.FLIP_TOP_BOTTOM)),
    Edit("five_turn_25", "five", image_edit(lambda image, _: image.rotate(25, Image.Resampling.BICUBIC, expand=True))),
    Edit(
        "five_square",
        "five",
        image_edit(lambda image, _: image.resize((min(image.size), min(image.size)), Image.Resampling.LANCZOS)),
    ),
    Edit("crop_25", "hard", _crop(0.25)),
    Edit("crop_50", "hard", _crop(0.50)),
    Edit("turn_05", "hard", _turn(5)),
    Edit("turn_15", "hard", _turn(15)),
    Edit("turn_25", "hard", _turn(25)),
    Edit("turn_45", "hard", _turn(45)),
    Edit("caption", "hard", captioned),
    Edit("emoji", "hard", image_edit(with_emoji)),
    Edit("screenshot", "hard", screenshot),
    Edit("pasted", "hard", pasted),
    Edit("perspective", "hard", perspective),
    Edit("two_at_once", "hard", two_at_once),
)
