"""Look-alikes drawn with Pillow: codes, boards, cards and sheets of one kind with another state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from makers.truth import Made, saved_again, written

Colour = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw, int, Random, Random], None]
"""Draws on a square of this side from a generator of the style and one of the state."""


def _font(size: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _colour(random: Random, low: int = 0, high: int = 255) -> Colour:
    return random.randint(low, high), random.randint(low, high), random.randint(low, high)


def _matrix_code(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    cells = style.choice((21, 25, 29, 33))
    step = side // (cells + 8)
    for row in range(cells):
        for column in range(cells):
            corner = [(row < 7) + 2 * (row >= cells - 7), (column < 7) + 2 * (column >= cells - 7)]
            if corner in ([1, 1], [1, 2], [2, 1]):
                near = min(row, cells - 1 - row, 99), min(column, cells - 1 - column, 99)
                dark = max(abs(near[0] - 3), abs(near[1] - 3)) != 2
            else:
                dark = state.random() < 0.5
            if dark:
                left, top = (column + 4) * step, (row + 4) * step
                draw.rectangle((left, top, left + step - 1, top + step - 1), fill=(0, 0, 0))


def _bar_code(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    left, bottom = side // 8, side * style.uniform(0.6, 0.8)
    while left < side * 7 // 8:
        wide = state.choice((3, 3, 6, 9))
        draw.rectangle((left, side // 5, left + wide, bottom), fill=(0, 0, 0))
        left += wide + state.choice((3, 6, 9))
    draw.text((side // 4, bottom + 8), str(state.randint(10**11, 10**12)), font=_font(side / 16), fill=(0, 0, 0))


def _chess(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    step, light, dark = side // 8, _colour(style, 180, 255), _colour(style, 60, 150)
    for place in range(64):
        left, top = place % 8 * step, place // 8 * step
        draw.rectangle((left, top, left + step, top + step), fill=light if (place + place // 8) % 2 else dark)
    for place in state.sample(range(64), 18):
        left, top = place % 8 * step, place // 8 * step
        colour = state.choice(((20, 20, 20), (250, 250, 250)))
        box = (left + step * 0.2, top + step * 0.15, left + step * 0.8, top + step * 0.85)
        (draw.ellipse if state.random() < 0.6 else draw.rectangle)(box, fill=colour, outline=(90, 90, 90), width=3)


def _sudoku(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    step = side // 10
    for line in range(10):
        width = 5 if line % 3 == 0 else 1
        at = step // 2 + line * step
        draw.line((at, step // 2, at, step // 2 + 9 * step), fill=_colour(style, 0, 40), width=width)
        draw.line((step // 2, at, step // 2 + 9 * step, at), fill=(0, 0, 0), width=width)
    for place in state.sample(range(81), 32):
        spot = (place % 9 * step + step * 0.8, place // 9 * step + step * 0.65)
        draw.text(spot, str(state.randint(1, 9)), font=_font(step * 0.7), fill=(0, 0, 0))


def _crossword(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    cells = style.choice((11, 13, 15))
    step = side // cells
    for place in range(cells * cells):
        left, top = place % cells * step, place // cells * step
        draw.rectangle(
            (left, top, left + step, top + step), outline=(0, 0, 0), fill=(0, 0, 0) if state.random() < 0.2 else None
        )


def _mines(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    cells, ground = style.choice((9, 12, 16)), _colour(style, 170, 220)
    step = side // cells
    for place in range(cells * cells):
        left, top = place % cells * step, place // cells * step
        is_open = state.random() < 0.55
        draw.rectangle(
            (left, top, left + step, top + step),
            fill=(235, 235, 235) if is_open else ground,
            outline=(120, 120, 120),
            width=2,
        )
        if is_open and state.random() < 0.6:
            draw.text(
                (left + step * 0.3, top), str(state.randint(1, 4)), font=_font(step * 0.8), fill=_colour(state, 0, 160)
            )


def _cards(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    draw.rectangle((0, 0, side, side), fill=(10, style.randint(80, 120), 50))
    wide = side // 5
    for place in range(8):
        left, top = place % 4 * (wide + 20) + 30, place // 4 * (wide * 1.5 + 30) + 40
        draw.rounded_rectangle(
            (left, top, left + wide, top + wide * 1.4), 12, fill=(255, 255, 255), outline=(60, 60, 60)
        )
        colour = state.choice(((200, 20, 30), (10, 10, 10)))
        draw.text((left + 12, top + 6), state.choice("A23456789JQK"), font=_font(wide * 0.4), fill=colour)
        draw.regular_polygon((left + wide / 2, top + wide * 0.85, wide * 0.25), state.choice((3, 4, 5, 6)), fill=colour)


def _sheet_music(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    gap = side // style.randint(75, 95)
    for system in range(6):
        top = side // 10 + system * side // 7
        for line in range(5):
            draw.line((side // 16, top + line * gap, side * 15 // 16, top + line * gap), fill=(0, 0, 0), width=1)
        for place in range(14):
            x, y = side // 9 + place * side // 18, top + state.randint(-1, 9) * gap / 2
            draw.ellipse((x, y - gap / 2, x + gap * 1.4, y + gap / 2), fill=(0, 0, 0))
            draw.line((x + gap * 1.4, y, x + gap * 1.4, y - 3.5 * gap), fill=(0, 0, 0), width=2)


def _calendar(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    step, first = side // 8, state.randint(0, 6)
    draw.text(
        (side // 4, 10), style.choice(("March", "June", "October")), font=_font(step * 0.7), fill=_colour(style, 0, 120)
    )
    for day in range(31):
        place = day + first
        left, top = step // 2 + place % 7 * step, step + place // 7 * step
        draw.rectangle((left, top, left + step, top + step), outline=(150, 150, 150))
        draw.text((left + 6, top + 4), str(day + 1), font=_font(step * 0.3), fill=(0, 0, 0))
        if state.random() < 0.3:
            draw.rectangle(
                (left + 6, top + step * 0.6, left + step - 6, top + step * 0.85), fill=_colour(state, 90, 220)
            )


def _terminal(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    draw.rectangle((0, 0, side, side), fill=style.choice(((0, 0, 0), (40, 0, 40), (0, 43, 54))))
    for line in range(28):
        words = f"{state.randint(100, 999)} --{state.choice(('all', 'dry', 'fast'))} {state.random():.6f}"
        text = f"$ run {words} ok {state.randint(1, 9999)}"
        draw.text(
            (14, 12 + line * side / 29), text[: state.randint(8, 46)], font=_font(side / 42), fill=(120, 230, 120)
        )


def _maze(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    cells = style.choice((16, 20, 26))
    step = side / cells
    for row in range(cells):
        for column in range(cells):
            x, y = column * step, row * step
            end = (x + step, y) if state.random() < 0.5 else (x, y + step)
            draw.line((x, y, *end), fill=(0, 0, 0), width=max(2, int(step / 6)))


def _dots(draw: ImageDraw.ImageDraw, side: int, style: Random, state: Random) -> None:
    """A night sky or a plot of points: small marks on one ground."""
    draw.rectangle((0, 0, side, side), fill=_colour(style, 0, 30))
    for _ in range(style.randint(150, 400)):
        x, y, wide = state.uniform(0, side), state.uniform(0, side), state.choice((1, 1, 2, 3, 5))
        draw.ellipse((x, y, x + wide, y + wide), fill=_colour(state, 160, 255))


BOARDS: tuple[Draw, ...] = (
    *(_matrix_code, _bar_code, _chess, _sudoku, _crossword, _mines, _cards, _sheet_music, _calendar, _terminal, _maze),
    _dots,
)


def make(templates: int, fillings: int, seed: int, folder: Path) -> Iterator[Made]:
    """`templates` styles by turns of every kind, each in `fillings` states."""
    for number in range(templates):
        draw = BOARDS[number % len(BOARDS)]
        family = draw.__name__.strip("_")
        for place in range(fillings):
            style, side = Random(f"{seed}/{number}"), (640, 800, 1000)[number % 3]
            image = Image.new(
                "RGB", (side, side), (255, 255, 255) if style.random() < 0.7 else _colour(style, 225, 255)
            )
            draw(ImageDraw.Draw(image), side, style, Random(f"{seed}/{number}/{place}"))
            name = f"{family}{number:04d}/{place}.{'png' if number % 2 else 'jpg'}"
            made = Made(written(folder, name, image), f"{family}{number:04d}", f"{number}/{place}", family)
            yield from saved_again(folder, made) if place == 0 else (made,)
