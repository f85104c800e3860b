"""What people draw on pictures and around them: captions, faces, and the screen of a phone."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageFont

# fmt: off
WORDS = (
    "when", "you", "finally", "find", "the", "file", "that", "was", "there", "all", "along", "nobody", "told", "me",
    "monday", "could", "feel", "like", "this", "again", "please", "remember", "to", "water", "the", "plants", "before",
    "you", "leave", "we", "should", "meet", "near", "the", "old", "bridge", "at", "noon", "and", "bring", "a", "pie",
)
# fmt: on


def font(size: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(max(6, size))


def sentence(random: Random, words: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(words))


def caption_bar(image: Image.Image, text: str, random: Random) -> Image.Image:
    """A meme's caption: a bar above, a bar below, or outlined letters on the picture itself."""
    letters = font(image.width / 15)
    style = random.choice(("above", "below", "inside"))
    bar = round(image.height * random.uniform(0.12, 0.25))
    if style == "inside":
        out = image.copy()
        draw = ImageDraw.Draw(out)
        draw.text(
            (image.width * 0.05, image.height * 0.82),
            text,
            font=letters,
            fill="white",
            stroke_width=2,
            stroke_fill="black",
        )
        return out
    out = Image.new("RGB", (image.width, image.height + bar), "white")
    out.paste(image, (0, bar if style == "above" else 0))
    place = (image.width * 0.04, bar * 0.3 if style == "above" else image.height + bar * 0.3)
    ImageDraw.Draw(out).text(place, text, font=letters, fill="black")
    return out


def with_emoji(image: Image.Image, random: Random) -> Image.Image:
    """A large yellow face somewhere on a copy of the picture."""
    image = image.copy()
    side = round(min(image.size) * random.uniform(0.2, 0.38))
    left, top = random.randint(0, image.width - side), random.randint(0, image.height - side)
    draw = ImageDraw.Draw(image)
    draw.ellipse(
        (left, top, left + side, top + side), fill=(255, 204, 50), outline=(180, 120, 0), width=max(1, side // 30)
    )
    for across in (0.3, 0.6):
        draw.ellipse(
            (left + across * side, top + 0.28 * side, left + (across + 0.1) * side, top + 0.42 * side),
            fill=(60, 40, 10),
        )
    draw.arc(
        (left + 0.22 * side, top + 0.3 * side, left + 0.78 * side, top + 0.8 * side),
        20,
        160,
        (60, 40, 10),
        max(2, side // 18),
    )
    return image


def phone_screen(image: Image.Image, random: Random, *, template: Random | None = None) -> Image.Image:
    """The picture as a post or chat message. `template` draws the chrome, `random` what differs by picture."""
    chrome = template or random
    width, height = 540, chrome.choice((960, 1080, 1170))
    dark = chrome.random() < 0.4
    ground, ink = ((18, 18, 20), (225, 225, 228)) if dark else ((250, 250, 250), (30, 30, 32))
    screen = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(screen)
    draw.text((20, 8), "9:41", font=font(20), fill=ink)
    draw.rectangle((470, 12, 500, 26), outline=ink, width=2)
    draw.ellipse((20, 60, 76, 116), fill=(chrome.randint(60, 220), chrome.randint(60, 220), chrome.randint(60, 220)))
    draw.text((92, 64), sentence(chrome, 2), font=font(24), fill=ink)
    draw.text((92, 94), sentence(chrome, 3), font=font(16), fill=ink)
    margin = chrome.choice((0, 0, 16, 40))
    inner_width = width - 2 * margin
    inner = image.resize(
        (inner_width, max(8, round(image.height * inner_width / image.width))), Image.Resampling.LANCZOS
    )
    top = chrome.choice((130, 150, 200))
    inner = inner.crop((0, 0, inner_width, min(inner.height, height - top - 160)))
    screen.paste(inner, (margin, top))
    below = top + inner.height + 20
    for place in (30, 90, 150):
        draw.ellipse((place, below, place + 34, below + 34), outline=ink, width=3)
    for line in range(3):
        draw.text((24, below + 50 + 26 * line), sentence(chrome, 7), font=font(18), fill=ink)
    draw.rounded_rectangle((190, height - 16, 350, height - 10), 3, fill=ink)
    return screen
