"""Look-alikes by a browser: pages of one design filled with other photos, words and numbers.

A template is drawn from its own seed, so that no two are alike; each is filled a few times. What fills it may be small:
an avatar, one result among many, a photo on a card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from makers.browser import screen
from makers.truth import Made, saved_again, written

_WORDS = (
    *("harbour", "notice", "market", "garden", "window", "river", "letter", "engine", "season", "ticket", "branch"),
    *("copper", "signal", "paper", "winter", "bridge", "orange", "station", "pocket", "island", "morning", "circle"),
)
Fill = Callable[[Random, Sequence[str]], str]
"""A page body, filled from a generator and addresses of photos."""


def _words(random: Random, count: int) -> str:
    return " ".join(random.choice(_WORDS) for _ in range(count))


def _colour(random: Random, light: bool) -> str:
    low, high = (200, 255) if light else (10, 90)
    return f"rgb({random.randint(low, high)},{random.randint(low, high)},{random.randint(low, high)})"


def _photo(address: str, width: str, height: str, extra: str = "") -> str:
    return f"<img src='{address}' style='width:{width};height:{height};object-fit:cover;{extra}'>"


def feed(style: Random) -> Fill:
    """A web page with one photo on three to forty per cent of it; everything else stays."""
    width, side = style.randint(14, 60), style.choice(("left", "right"))
    head, ground, ink = _colour(style, light=False), _colour(style, light=True), _colour(style, light=False)
    columns = "".join(
        f"<p><b>{_words(style, 3)}</b><br>{_words(style, style.randint(15, 40))}</p>"
        for _ in range(style.randint(4, 9))
    )
    title = _words(style, 2)

    def fill(_: Random, photos: Sequence[str]) -> str:
        picture = _photo(photos[0], f"{width}%", "auto", f"float:{side};margin:12px;aspect-ratio:4/3")
        return (
            f"<div style='background:{ground};color:{ink};height:100%'><h2 style='margin:0;padding:14px;background:{head};"
            f"color:white'>{title}</h2><div style='padding:8px 20px'>{picture}{columns}</div></div>"
        )

    return fill


def viewer(style: Random) -> Fill:
    """A photo program: a strip of thumbnails that stays, and the photo shown."""
    ground, strip, at = _colour(style, light=style.random() < 0.4), style.randint(5, 9), style.randint(0, 3)
    tools = " &nbsp; ".join(_words(style, 1) for _ in range(6))

    def fill(_: Random, photos: Sequence[str]) -> str:
        thumbs = "".join(_photo(address, "78px", "58px", "margin:3px") for address in photos[1 : 1 + strip])
        return (
            f"<div style='background:{ground};height:100%;color:#999'><div style='padding:8px'>{tools}</div>"
            f"<div style='text-align:center'>{_photo(photos[0], f'{45 + 10 * at}%', '62%')}</div><div>{thumbs}</div></div>"
        )

    return fill


def id_card(style: Random) -> Fill:
    """Cards of one company: another face, name and number."""
    band, side = _colour(style, light=False), style.randint(14, 30)
    company = _words(style, 2)

    def fill(random: Random, photos: Sequence[str]) -> str:
        lines = f"{_words(random, 2)}<br>No. {random.randint(10000, 99999)}<br>valid until {random.randint(2027, 2035)}"
        return (
            f"<div style='background:linear-gradient(#fff,#dde);height:100%;border:6px solid {band}'>"
            f"<div style='background:{band};color:white;font-size:34px;padding:12px'>{company}</div>"
            f"<div style='display:flex;padding:20px;font-size:24px;line-height:1.6'>"
            f"{_photo(photos[0], f'{side}%', 'auto', 'aspect-ratio:3/4;margin-right:24px')}<div>{lines}</div></div></div>"
        )

    return fill


def meme(style: Random) -> Fill:
    """One frame and one caption; the photo is another."""
    ground, caption, height = style.choice(("#fff", "#000", "#ffec8b")), _words(style, 6), style.randint(45, 70)

    def fill(_: Random, photos: Sequence[str]) -> str:
        return (
            f"<div style='background:{ground};color:{'#fff' if ground == '#000' else '#000'};height:100%;padding:5%;"
            f"font:bold 34px DejaVu Sans'>{caption}{_photo(photos[0], '100%', f'{height}%', 'margin-top:14px')}</div>"
        )

    return fill


def slide(style: Random) -> Fill:
    """Slides of one deck: the same head and points, another photo in the corner."""
    band, width = _colour(style, light=False), style.randint(16, 40)
    points = "".join(f"<li>{_words(style, 7)}</li>" for _ in range(5))
    head = _words(style, 4)

    def fill(_: Random, photos: Sequence[str]) -> str:
        corner = _photo(photos[0], f"{width}%", "auto", "position:absolute;right:30px;bottom:30px;aspect-ratio:3/2")
        return (
            f"<div style='height:100%;background:white;position:relative'><h1 style='margin:0;padding:26px;color:white;"
            f"background:{band}'>{head}</h1><ul style='font-size:24px;line-height:1.8'>{points}</ul>{corner}</div>"
        )

    return fill


def chat(style: Random) -> Fill:
    """The same conversation with another face beside it and another photo in one bubble."""
    ground, mine, width = _colour(style, light=True), _colour(style, light=True), style.randint(22, 50)
    said = [_words(style, style.randint(3, 12)) for _ in range(9)]

    def fill(_: Random, photos: Sequence[str]) -> str:
        bubbles = "".join(
            f"<div style='margin:8px;padding:10px;border-radius:12px;width:70%;background:{mine if i % 2 else '#fff'};"
            f"margin-left:{'28%' if i % 2 else '8px'}'>{_photo(photos[0], f'{width}%', 'auto') if i == 4 else text}</div>"
            for i, text in enumerate(said)
        )
        face = _photo(photos[1], "44px", "44px", "border-radius:50%;vertical-align:middle;margin-right:10px")
        return f"<div style='background:{ground};height:100%'><div style='padding:10px;background:#075e54;color:#fff'>{face}Family</div>{bubbles}</div>"

    return fill


def shop(style: Random) -> Fill:
    """A page of goods of which one is another."""
    ground, changed = _colour(style, light=True), style.randint(0, 8)
    names = [_words(style, 2) for _ in range(9)]

    def fill(_: Random, photos: Sequence[str]) -> str:
        shown = [photos[0] if place == changed else photos[place + 1] for place in range(9)]
        cells = "".join(
            f"<div style='background:white;padding:8px'>{_photo(address, '100%', '120px')}<br>{name}<br><b>{9 + 7 * i}.90</b></div>"
            for i, (address, name) in enumerate(zip(shown, names, strict=True))
        )
        return f"<div style='background:{ground};height:100%;display:grid;grid-template-columns:1fr 1fr 1fr;gap:12px;padding:16px'>{cells}</div>"

    return fill


def profile(style: Random) -> Fill:
    """A page of which only the small face of its owner differs."""
    head, side = _colour(style, light=False), style.randint(40, 110)
    about = "".join(f"<p>{_words(style, 25)}</p>" for _ in range(6))

    def fill(_: Random, photos: Sequence[str]) -> str:
        face = _photo(photos[0], f"{side}px", f"{side}px", "border-radius:50%;border:3px solid white;margin-top:-30px")
        return f"<div style='background:#fafafa;height:100%'><div style='height:120px;background:{head}'></div><div style='padding:0 24px'>{face}{about}</div></div>"

    return fill


def code(style: Random) -> Fill:
    """The same editor, other lines."""
    ground, ink = ("#1e1e1e", "#d4d4d4") if style.random() < 0.6 else ("#fff", "#222")
    indent = [style.randint(0, 3) for _ in range(26)]

    def fill(random: Random, _: Sequence[str]) -> str:
        lines = "\n".join(
            f"{i + 1:3}  {'    ' * deep}{random.choice(('if', 'for', 'return', 'let', 'def', 'call'))} {_words(random, random.randint(1, 4)).replace(' ', '_')}"
            for i, deep in enumerate(indent)
        )
        return f"<pre style='margin:0;background:{ground};color:{ink};height:100%;padding:14px;font:15px DejaVu Sans Mono'>{lines}</pre>"

    return fill


def table(style: Random) -> Fill:
    """The same table, other numbers."""
    rows, columns, head = style.randint(8, 16), style.randint(3, 6), _colour(style, light=True)
    labels = [_words(style, 1) for _ in range(rows)]

    def fill(random: Random, _: Sequence[str]) -> str:
        body = "".join(
            f"<tr><td>{label}</td>{''.join(f'<td>{random.randint(10, 9999)}</td>' for _ in range(columns))}</tr>"
            for label in labels
        )
        return f"<style>td{{border:1px solid #999;padding:6px 12px;background:{head}}}</style><table style='font-size:18px;margin:20px;border-collapse:collapse'>{body}</table>"

    return fill


def scoreboard(style: Random) -> Fill:
    """The same match, other figures."""
    ground, teams = _colour(style, light=False), (_words(style, 1), _words(style, 1))

    def fill(random: Random, _: Sequence[str]) -> str:
        score = f"{random.randint(0, 9)} : {random.randint(0, 9)}"
        return (
            f"<div style='background:{ground};color:#fff;height:100%;text-align:center;padding-top:18%;font-size:44px'>{teams[0]} – {teams[1]}"
            f"<div style='font:bold 120px DejaVu Sans Mono'>{score}</div>{random.randint(1, 90)}′</div>"
        )

    return fill


TEMPLATES: tuple[Callable[[Random], Fill], ...] = (
    feed,
    viewer,
    id_card,
    meme,
    slide,
    chat,
    shop,
    profile,
    code,
    table,
    scoreboard,
)


def make(photos: Sequence[Path], templates: int, fillings: int, seed: int, folder: Path) -> Iterator[Made]:
    """`templates` designs by turns of every kind, each filled `fillings` times."""
    sizes = ((900, 1100), (1200, 800), (540, 1000), (800, 800))
    with screen() as shown:
        for number in range(templates):
            kind = TEMPLATES[number % len(TEMPLATES)]
            style = Random(f"{seed}/{number}")
            fill, (width, height), suffix = kind(style), style.choice(sizes), style.choice(("png", "jpg"))
            if kind is id_card:
                width, height = 860, 540
            stay = [path.resolve().as_uri() for path in style.sample(list(photos), 12)]
            shown_photos = style.sample(list(photos), fillings)
            for place in range(fillings):
                random = Random(f"{seed}/{number}/{place}")
                changed = shown_photos[place]
                body = fill(random, [changed.resolve().as_uri(), *stay])
                name = f"{kind.__name__}{number:04d}/{place}.{suffix}"
                written(
                    folder,
                    name,
                    shown.shot(body, width, height),
                    **({"quality": style.choice((60, 80, 90))} if suffix == "jpg" else {}),
                )
                made = Made(name, f"{kind.__name__}{number:04d}", f"{number}/{place}", kind.__name__)
                yield from saved_again(folder, made) if place == 0 else (made,)
