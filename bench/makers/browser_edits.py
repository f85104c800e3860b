"""Edits by a browser: the picture under style sheets, stickers and the windows of an application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from makers.browser import screen
from makers.truth import Made, opened, written

_EMOJI = (
    "<svg viewBox='0 0 100 100' style='position:absolute;left:{left}px;top:{top}px;width:{side}px'>"
    "<circle cx=50 cy=50 r=48 fill='#fc3' stroke='#b47800' stroke-width=3 />"
    "<ellipse cx=33 cy=38 rx=6 ry=9 fill='#432' /><ellipse cx=67 cy=38 rx=6 ry=9 fill='#432' />"
    "<path d='M22 58 Q50 92 78 58 Z' fill='#a22' stroke='#432' stroke-width=3 /></svg>"
)
_BAR = "<div style='position:absolute;top:0;left:0;right:0;height:56px;background:{dark};color:{light};padding:14px'>"
_POST = (
    "<div style='padding:14px;color:{light}'><b>{name}</b> <span style='opacity:.6'>3 h</span></div>{picture}"
    "<div style='padding:10px 14px;color:{light}'>♥ {likes} likes<br>Somewhere along the coast. More of this soon, "
    "and better weather too, they say.</div>"
)


def bodies(address: str, width: int, height: int, other: str, random: Random) -> dict[str, tuple[str, int, int]]:
    """(page, width, height) by edit."""
    picture = f"<img src='{address}' style='display:block;width:{width}px;height:{height}px;{{style}}'>"
    plain, small = picture.format(style=""), min(width, height)

    def under(style: str) -> tuple[str, int, int]:
        return picture.format(style=style), width, height

    def over(top: str, style: str = "") -> tuple[str, int, int]:
        return picture.format(style=style) + top, width, height

    def emoji(share: float) -> str:
        side = round(small * share)
        left, top = random.randint(0, width - side), random.randint(0, height - side)
        return _EMOJI.format(left=left, top=top, side=side)

    def turned(degrees: int, ground: str) -> tuple[str, int, int]:
        room = round((width + height) * 0.75)
        style = f"position:absolute;left:{(room - width) // 2}px;top:{(room - height) // 2}px;transform:rotate({degrees}deg)"
        return f"<div style='background:{ground};height:100%'>{picture.format(style=style)}</div>", room, room

    def post(style: str, dark: bool) -> tuple[str, int, int]:
        ground, ink = ("#111", "#eee") if dark else ("#fff", "#222")
        shown = f"<img src='{address}' style='display:block;width:100%;{style}'>"
        inside = _POST.format(light=ink, name="harbour.daily", picture=shown, likes=random.randint(20, 900))
        return f"<div style='background:{ground};height:100%'>{inside}</div>", 480, round(480 * height / width) + 210

    caption = "position:absolute;left:0;right:0;{};text-align:center;font:bold {}px DejaVu Sans;color:white;-webkit-text-stroke:2px black"
    half = (
        f"<div style='width:{width}px;height:{height // 2}px;overflow:hidden'>"
        f"<img src='{address}' style='display:block;width:{width}px;margin-top:-{height // 4}px'></div>"
    )
    return {
        "screenshot_light": post("", dark=False),
        "screenshot_dark": post("", dark=True),
        "hard_mirrored_screenshot": post("transform:scaleX(-1)", dark=random.random() < 0.5),
        "rounded": under("border-radius:18px"),
        "brightness": under(f"filter:brightness({random.choice((0.7, 1.3))})"),
        "contrast": under(f"filter:contrast({random.choice((0.7, 1.4))})"),
        "saturate": under("filter:saturate(1.8)"),
        "hue_rotate": under("filter:hue-rotate(40deg)"),
        "grayscale": under("filter:grayscale(1)"),
        "sepia": under("filter:sepia(.8)"),
        "reduced_60": (
            f"<img src='{address}' style='width:{int(width * 0.6)}px'>",
            int(width * 0.6),
            int(height * 0.6),
        ),
        "hard_blur": under(f"filter:blur({small / 90:.1f}px)"),
        "hard_emoji": over(emoji(random.uniform(0.25, 0.35))),
        "hard_emoji_quarter_hue": over(emoji(0.62), "filter:hue-rotate(25deg) brightness(1.1)"),
        "hard_stripes": over(
            "<div style='position:absolute;inset:0;background:repeating-linear-gradient("
            f"{random.choice((0, 45, 90))}deg,rgba(255,255,255,.4) 0 {small // 14}px,transparent 0 {small // 7}px)'></div>"
        ),
        "hard_dark_stripes": over(
            "<div style='position:absolute;inset:0;background:repeating-linear-gradient("
            f"90deg,rgba(0,0,0,.45) 0 {small // 9}px,transparent 0 {2 * small // 9}px)'></div>"
        ),
        "hard_text": over(f"<div style='{caption.format('top:6px', height // 9)}'>WHEN THE TIDE</div>"),
        "hard_caption_both": over(
            f"<div style='{caption.format('top:6px', height // 8)}'>NOBODY KNOWS</div>"
            f"<div style='{caption.format('bottom:6px', height // 8)}'>WHERE IT WENT</div>"
        ),
        "hard_crop_half_text": (
            half + f"<div style='{caption.format('bottom:4px', height // 11)}'>AND NOW</div>",
            width,
            height // 2,
        ),
        "hard_turn_15": turned(15, "#fff"),
        "hard_turn_45": turned(45, "#000"),
        "hard_on_screenshot": (
            f"{_BAR.format(dark='#15202b', light='white')}Messages</div><img src='{other}' style='width:100%;height:100%;"
            f"object-fit:cover;filter:blur(6px)'><img src='{address}' style='position:absolute;left:8%;top:{random.randint(18, 45)}%;width:70%'>",
            width,
            round(width * 1.6),
        ),
        "hard_gradient": over(
            "<div style='position:absolute;inset:0;background:linear-gradient(120deg,rgba(200,30,80,.45),rgba(20,40,200,.35))'></div>"
        ),
        "hard_spotlight": over(
            "<div style='position:absolute;inset:0;background:radial-gradient(circle,transparent 35%,rgba(0,0,0,.75))'></div>"
        ),
        "watermark": over(
            f"<div style='position:absolute;inset:0;font-size:{small // 10}px;color:rgba(255,255,255,.4);"
            f"transform:rotate(-25deg);line-height:2.6'>{'© Harbour Photos ' * 12}</div>"
        ),
        "framed": (
            f"<div style='background:#402a15;padding:{small // 12}px;height:100%'>{plain}</div>",
            width + small // 6,
            height + small // 6,
        ),
    }


def make(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """Each photo and all its edits, saved as PNG or as JPEG by turns."""
    with screen() as shown:
        for number, photo in enumerate(photos):
            image, random = opened(photo), Random(f"{seed}/{photo.name}")
            image.thumbnail((1200, 1200))
            group = f"{number:04d}"
            source = written(folder, f"{group}/original.jpg", image, quality=95)
            yield Made(source, group, group, "original", source=True)
            address, other = (folder / source).resolve().as_uri(), photos[number - 1].resolve().as_uri()
            pages = bodies(address, image.width, image.height, other, random)
            for place, (name, (body, width, height)) in enumerate(pages.items()):
                suffix = "png" if (place + number) % 2 else "jpg"
                target = written(folder, f"{group}/{name}.{suffix}", shown.shot(body, width, height))
                yield Made(target, group, group, name)
