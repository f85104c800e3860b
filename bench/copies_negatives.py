"""Pictures that look alike and are not copies: what a proof must not accept.

Every kind is a family from one template with other content. No two pictures of the whole set are copies of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
from copies_drawing import font, phone_screen, sentence
from PIL import Image, ImageDraw, ImageFilter


def documents(count: int, seed: int) -> Iterator[Image.Image]:
    """Pages of one letterhead and layout with other text."""
    for number in range(count):
        random = Random(seed * 1000 + number)
        page = Image.new("RGB", (850, 1100), (253, 253, 251))
        draw = ImageDraw.Draw(page)
        draw.rectangle((60, 50, 790, 56), fill=(20, 60, 120))
        draw.text((60, 70), "Harbour Trading Company", font=font(34), fill=(20, 60, 120))
        draw.text((60, 120), "12 Quay Street - accounts department", font=font(16), fill=(90, 90, 90))
        for line in range(32):
            words = sentence(random, 11 if (line + 1) % 8 else random.randint(3, 8))
            draw.text((60, 190 + 26 * line), words[:78], font=font(18), fill=(25, 25, 25))
        yield page


def forms(count: int, seed: int) -> Iterator[Image.Image]:
    """Invoices: the same lines, boxes and labels, other entries."""
    for number in range(count):
        random = Random(seed * 1000 + number)
        page = Image.new("RGB", (850, 1100), "white")
        draw = ImageDraw.Draw(page)
        draw.text((60, 50), "INVOICE", font=font(48), fill="black")
        draw.text((500, 60), f"No. {random.randint(10000, 99999)}", font=font(26), fill="black")
        for row in range(16):
            top = 200 + 44 * row
            draw.rectangle((60, top, 790, top + 44), outline=(120, 120, 120))
            draw.text((70, top + 10), sentence(random, random.randint(2, 5)), font=font(20), fill="black")
            draw.text((660, top + 10), f"{random.randint(1, 9999) / 10:.2f}", font=font(20), fill="black")
        draw.text((480, 940), f"Total {random.randint(100, 99999) / 10:.2f}", font=font(30), fill="black")
        yield page


def chats(count: int, seed: int) -> Iterator[Image.Image]:
    """Conversations in one messenger: the same bubbles at the same places, other words."""
    for number in range(count):
        random = Random(seed * 1000 + number)
        screen = Image.new("RGB", (540, 1170), (236, 229, 221))
        draw = ImageDraw.Draw(screen)
        draw.rectangle((0, 0, 540, 110), fill=(7, 94, 84))
        draw.ellipse((20, 42, 76, 98), fill=(200, 200, 200))
        draw.text((92, 56), "Family", font=font(26), fill="white")
        for bubble in range(9):
            mine, top = bubble % 3 == 1, 130 + 108 * bubble
            left = 150 if mine else 20
            draw.rounded_rectangle(
                (left, top, left + 370, top + 92), 14, fill=(220, 248, 198) if mine else (255, 255, 255)
            )
            for line in range(3):
                draw.text((left + 14, top + 8 + 26 * line), sentence(random, 6)[:34], font=font(19), fill=(20, 20, 20))
        yield screen


def skies(count: int, seed: int) -> Iterator[Image.Image]:
    """Smooth gradients with a little noise and a blurred cloud or two."""
    for number in range(count):
        random = Random(seed * 1000 + number)
        rng = np.random.default_rng(seed * 1000 + number)
        width, height = 500, 375
        top, bottom = (
            np.array([random.randint(60, 150), random.randint(110, 190), random.randint(190, 250)]) for _ in range(2)
        )
        ramp = np.linspace(0, 1, height)[:, None, None]
        sky = (top * (1 - ramp) + bottom * ramp) * np.ones((1, width, 1)) + rng.normal(0, 1.5, (height, width, 1))
        image = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
        if number % 2:
            cloud = Image.new("L", image.size, 0)
            draw = ImageDraw.Draw(cloud)
            for _ in range(random.randint(1, 6)):
                left, upper = random.randint(-40, width), random.randint(-40, height)
                draw.ellipse(
                    (left, upper, left + random.randint(60, 200), upper + random.randint(20, 60)),
                    fill=random.randint(60, 160),
                )
            cloud = cloud.filter(ImageFilter.GaussianBlur(16))
            image = Image.composite(Image.new("RGB", image.size, "white"), image, cloud)
        yield image


def solids(count: int, seed: int) -> Iterator[Image.Image]:
    """One colour, every time another; a few with a hair of noise."""
    for number in range(count):
        random = Random(seed * 1000 + number)
        colour = tuple(random.randint(0, 255) for _ in range(3))
        image = Image.new("RGB", (400, 300), colour)
        if number % 3 == 0:
            noise = np.random.default_rng(number).normal(0, 3, (300, 400, 1)) + np.asarray(image)
            image = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
        yield image


def memes(photos: list[Image.Image], seed: int) -> Iterator[Image.Image]:
    """One frame, one caption, one emoji; every time another photo in it."""
    random = Random(seed)
    caption, side = sentence(random, 6), (520, 390)
    for photo in photos:
        card = Image.new("RGB", (600, 600), "white")
        draw = ImageDraw.Draw(card)
        draw.text((30, 30), caption, font=font(30), fill="black")
        draw.text((30, 75), sentence(Random(seed), 7), font=font(26), fill="black")
        card.paste(photo.resize(side), (40, 130))
        draw.rectangle((38, 128, 562, 522), outline="black", width=4)
        draw.ellipse((480, 530, 540, 590), fill=(255, 204, 50), outline=(120, 90, 0), width=3)
        draw.text((40, 545), "@the.daily.harbour", font=font(24), fill=(90, 90, 90))
        yield card


def screenshots(photos: list[Image.Image], seed: int) -> Iterator[Image.Image]:
    """One application's chrome and words around other pictures."""
    for number, photo in enumerate(photos):
        yield phone_screen(photo.resize((500, 375)), Random(seed + number), template=Random(seed))


def logos(photos: list[Image.Image], seed: int) -> Iterator[Image.Image]:
    """One large logo stamped on unrelated photos."""
    random = Random(seed)
    marks = [[random.uniform(0.1, 0.9) for _ in range(2)] for _ in range(14)]
    for photo in photos:
        image = photo.copy()
        side = round(min(image.size) * 0.4)
        logo = Image.new("RGB", (200, 200), (200, 30, 40))
        draw = ImageDraw.Draw(logo)
        draw.polygon([(x * 200, y * 200) for x, y in marks[:7]], fill="white")
        draw.polygon([(x * 200, y * 200) for x, y in marks[7:]], outline="black")
        draw.text((20, 150), "HARBOUR", font=font(34), fill="white")
        image.paste(logo.resize((side, side)), (image.width - side - 8, image.height - side - 8))
        yield image


def negatives(photos: list[Image.Image], seed: int = 7) -> Iterator[tuple[str, Image.Image]]:
    """(kind, picture) for every rendered family; `photos` fill the templates, at least 36 for the whole set."""
    for kind, family in (
        ("document", documents(20, seed)),
        ("form", forms(14, seed + 1)),
        ("chat", chats(16, seed + 2)),
        ("sky", skies(14, seed + 3)),
        ("solid", solids(12, seed + 4)),
        ("meme", memes(photos[:12], seed + 5)),
        ("template", screenshots(photos[12:24], seed + 6)),
        ("logo", logos(photos[24:36], seed + 8)),
    ):
        for picture in family:
            yield kind, picture
