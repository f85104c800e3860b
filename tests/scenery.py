"""Pictures drawn for tests of copies: scenes as rich as photos, pages of text, memes, and what people do to them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dedupctl.fingerprint.fingerprinter import thumbnail_view
from dedupctl.matching.proof.frame import View
from dedupctl.matching.proof.picture import Picture

Size = tuple[int, int]

WORDS = (
    *("harbour", "morning", "letter", "window", "garden", "almost", "under", "figure", "seven", "people"),
    *("answer", "stone", "report", "market", "during", "paper", "yellow", "winter", "bridge", "carry"),
    *("second", "often", "north", "table", "reason", "quiet", "summer", "village", "ticket", "corner"),
)


def texture(seed: int, size: Size, roughness: float = 0.62) -> Image.Image:
    """Grain of every size in three colours, the finer the weaker, as in photos."""
    rng = np.random.default_rng(seed)
    total, weight = np.zeros((size[1], size[0], 3), np.float32), 1.0
    for cells in (3, 6, 12, 24, 48, 96, 192):
        layer = rng.integers(0, 256, (cells, cells, 3), np.uint8)
        grown = Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC)
        total += weight * (np.asarray(grown, np.float32) - 128)
        weight *= roughness
    return Image.fromarray((128 + 0.9 * total).clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=64)
def scene(seed: int, size: Size = (480, 360)) -> Image.Image:
    """A picture like no other: hills of grain, things with a grain of their own in front of them, wires across.

    Every caller gets the same one: copy it before you draw on it.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    image = texture(seed, size)
    for _ in range(14):
        mask = Image.new("L", size, 0)
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        reach = int(rng.integers(width // 20, width // 6))
        pen = ImageDraw.Draw(mask)
        if rng.random() < 0.4:
            pen.ellipse((x - reach, y - reach, x + reach, y + reach // 2), fill=255)
        else:
            pen.polygon([(int(x + dx), int(y + dy)) for dx, dy in rng.integers(-reach, reach, (5, 2))], fill=255)
        surface = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8)).resize(size)
        tint = Image.new("RGB", size, tuple(int(level) for level in rng.integers(0, 256, 3)))
        image.paste(Image.blend(surface, tint, 0.6), mask=mask)
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        ends = [(int(rng.integers(0, width)), int(rng.integers(0, height))) for _ in range(2)]
        pen.line(ends, fill=tuple(int(level) for level in rng.integers(0, 256, 3)), width=int(rng.integers(1, 4)))
    return image


def other_shot(seed: int, step: int, size: Size = (480, 360)) -> Image.Image:
    """One scene seen from a few steps aside: what is near moves by `step` pixels a layer, what is far stays."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = texture(seed, size)
    for depth in range(1, 9):
        mask = Image.new("L", size, 0)
        pen = ImageDraw.Draw(mask)
        for _ in range(3):
            x, y = int(rng.integers(0, width)) + step * depth, int(rng.integers(0, height))
            reach = rng.integers(-width // 6, width // 6, (6, 2))
            pen.polygon([(int(x + dx), int(y + dy)) for dx, dy in reach], fill=255)
        surface = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8)).resize(size)
        image.paste(surface.transform(size, Image.Transform.AFFINE, (1, 0, -step * depth, 0, 1, 0)), mask=mask)
    return image


def sky(seed: int, size: Size = (480, 360)) -> Image.Image:
    """A smooth change of light from top to bottom, with the noise of a sensor."""
    rng = np.random.default_rng(seed)
    top, bottom = rng.integers(120, 255, 3), rng.integers(60, 200, 3)
    rows = np.linspace(0, 1, size[1])[:, None, None]
    light = np.broadcast_to(top * (1 - rows) + bottom * rows, (size[1], size[0], 3))
    return Image.fromarray((light + rng.normal(0, 1.2, light.shape)).clip(0, 255).astype(np.uint8))


def letters(points: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(points)


def phrase(seed: int, count: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, count))


def document(seed: int, size: Size = (600, 800)) -> Image.Image:
    """A letter: head, number and signature line are those of every letter, the text is its own."""
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((40, 30, size[0] - 40, 90), fill=(30, 60, 120))
    pen.text((60, 45), "HARBOUR TRUST COMPANY", font=letters(26), fill="white")
    for line in range(26):
        pen.text((60, 130 + 22 * line), phrase(1000 * seed + line, 8)[:62], font=letters(14), fill=(20, 20, 20))
    pen.line((60, size[1] - 50, 300, size[1] - 50), fill="black", width=2)
    return page


def meme(inner: Image.Image, caption: str) -> Image.Image:
    """The picture in a frame with a caption above it, as a template of memes has them."""
    width, height = inner.size
    card = Image.new("RGB", (width + 60, height + 160), "white")
    pen = ImageDraw.Draw(card)
    pen.rectangle((14, 114, width + 46, height + 146), outline="black", width=6)
    for line, words in enumerate((caption[:40], caption[40:80])):
        pen.text((30, 18 + 44 * line), words, font=letters(34), fill="black")
    card.paste(inner, (30, 130))
    return card


def screenshot(image: Image.Image, seed: int = 0) -> Image.Image:
    """The picture as a post on a phone, with the words of `seed` around it."""
    screen = Image.new("RGB", (540, 1080), (250, 250, 250))
    pen = ImageDraw.Draw(screen)
    pen.text((20, 8), "9:41", font=letters(20), fill="black")
    pen.ellipse((20, 60, 76, 116), fill=(90, 140, 60))
    pen.text((92, 70), phrase(seed, 3), font=letters(24), fill="black")
    inner = image.resize((540, round(image.height * 540 / image.width)), Image.Resampling.LANCZOS)
    screen.paste(inner, (0, 150))
    for line in range(4):
        where = (24, 190 + inner.height + 28 * line)
        pen.text(where, phrase(seed + line, 6), font=letters(18), fill="black")
    return screen


def watermarked(image: Image.Image, words: str = "(c) Harbour Photos") -> Image.Image:
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    place = (0.1 * image.width, 0.55 * image.height)
    ImageDraw.Draw(layer).text(place, words, font=letters(image.width / 14), fill=(255, 255, 255, 130))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def with_logo(image: Image.Image) -> Image.Image:
    """The same detailed badge in the corner, whatever the picture."""
    marked = image.copy()
    badge = scene(4711, (image.width // 4, image.height // 4))
    marked.paste(badge, (image.width - badge.width - 10, image.height - badge.height - 10))
    return marked


def aslant(image: Image.Image, corners: Sequence[tuple[float, float]]) -> Image.Image:
    """Seen in perspective: `corners` are where upper left, upper right, lower right and lower left go, in fractions."""
    width, height = image.size
    rows, values = [], []
    for (across, down), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        x, y = across * width, down * height
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    back = np.linalg.solve(np.array(rows), np.array(values))
    return image.transform(image.size, Image.Transform.PERSPECTIVE, tuple(back), Image.Resampling.BICUBIC)


def part(image: Image.Image, left: float, upper: float, right: float, lower: float) -> Image.Image:
    """The box of the picture, in fractions."""
    width, height = image.size
    return image.crop((round(left * width), round(upper * height), round(right * width), round(lower * height)))


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(2))


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=quality)
    return packed.getvalue()


def saved_again(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(jpeg(image, quality))).convert("RGB")


def seen(image: Image.Image) -> Picture:
    """The picture as a proof sees it: through its thumbnail."""
    return Picture.from_thumbnail(jpeg(thumbnail_view(image)), *image.size)


def viewed(image: Image.Image) -> View:
    """The picture as a closer look sees it, as if its file had lost nothing."""
    return View(np.asarray(image.convert("L"), np.uint8), *image.size, quantization=None)


def exposed(light: Image.Image, seed: int, noise: float = 5.0) -> Image.Image:
    """One exposure of what a camera on a tripod sees: every one has noise of its own, in grey levels."""
    rng = np.random.default_rng(seed)
    seen = np.asarray(light, np.float32) + rng.normal(0, noise, (light.height, light.width, 3))
    return Image.fromarray(seen.clip(0, 255).astype(np.uint8))
