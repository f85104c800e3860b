"""Edits by ImageMagick, as people and web servers make them on a command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from makers.truth import Made, opened, written

_HARD = "hard"
_EMOJI = (
    "fill #ffcc33 stroke #7a5200 stroke-width 3 circle {x},{y} {x},{top} "
    "fill #40280a stroke none circle {left},{eye} {left},{eye2} circle {right},{eye} {right},{eye2} "
    "fill none stroke #40280a stroke-width 4 arc {left},{y} {right},{chin} 10,170"
)
_SAVED = ("jpg", "png", "gif", "webp")


def program() -> str:
    """The command of ImageMagick 6 or 7."""
    for name in ("magick", "convert-im6.q16", "convert"):
        found = shutil.which(name)
        if found is not None:
            return found
    raise SystemExit("needs ImageMagick: apt-get install imagemagick")


def edits(width: int, height: int, random: Random) -> dict[str, Sequence[str]]:
    """Arguments by edit; names that begin with "hard" are large or several changes."""
    side = min(width, height)
    return {
        "quality_75": ["-quality", "75"],
        "quality_30": ["-quality", "30"],
        "half": ["-resize", "50%"],
        "third_lanczos": ["-filter", "Lanczos", "-resize", "33%"],
        "sample_60": ["-sample", "60%"],
        "larger": ["-resize", "160%"],
        "strip_progressive": ["-strip", "-interlace", "Plane", "-quality", "82"],
        "flop": ["-flop"],
        "rotate_90": ["-rotate", "90"],
        "shave": ["-shave", f"{width // 20}x{height // 20}"],
        "border": ["-bordercolor", random.choice(("white", "black", "#c4302b")), "-border", f"{side // 15}"],
        "modulate": ["-modulate", "115,140,100"],
        "sigmoidal": ["-sigmoidal-contrast", "5x50%"],
        "gamma": ["-gamma", random.choice(("0.7", "1.5"))],
        "normalize": ["-normalize"],
        "sepia": ["-sepia-tone", "80%"],
        "grey": ["-colorspace", "Gray"],
        "unsharp": ["-unsharp", "0x2+1.2+0"],
        "blur": ["-blur", f"0x{side / 220:.2f}"],
        "vignette": ["-background", "black", "-vignette", f"0x{side // 12}"],
        "gif_colours": ["-colors", "128"],
        "posterize": ["-posterize", "6"],
        "noise": ["-seed", "7", "-attenuate", "0.4", "+noise", "Gaussian", "-quality", "85"],
        "hard_crop_half": _crop(width, height, 0.5, random),
        "hard_crop_70": _crop(width, height, 0.7, random),
        "hard_rotate_15": ["-background", "black", "-rotate", "15"],
        "hard_rotate_45": ["-background", random.choice(("white", "black")), "-rotate", "45"],
        "hard_pixelate": ["-scale", "8%", "-scale", f"{width}x{height}!"],
        "hard_blur": ["-blur", f"0x{side / 60:.2f}"],
        "hard_polaroid": ["-background", "white", "-bordercolor", "white", "-polaroid", "8"],
        "hard_emoji": ["-draw", _face(width, height, side * random.uniform(0.14, 0.2), random)],
        "hard_emoji_quarter": [
            *("-modulate", "100,130,110", "-draw", _face(width, height, side * 0.32, random), "-quality", "80"),
        ],
        "hard_stripes": ["-fill", "rgba(255,255,255,0.35)", "-draw", _stripes(width, height)],
        "hard_caption": [
            *("-background", "white", "-gravity", "north", "-splice", f"0x{height // 7}"),
            *("-pointsize", f"{height // 16}", "-annotate", f"+0+{height // 40}", "when the boat comes in"),
        ],
        "hard_text_crop": [
            *_crop(width, height, 0.6, random),
            *("-gravity", "south", "-fill", "white", "-stroke", "black", "-pointsize", f"{height // 12}"),
            *("-annotate", "+0+10", "NOBODY TOLD ME"),
        ],
        "hard_perspective": [
            *("-virtual-pixel", "black", "-distort", "Perspective"),
            f"0,0 {width * 0.1:.0f},{height * 0.06:.0f} {width},0 {width * 0.95:.0f},0 "
            f"{width},{height} {width * 0.9:.0f},{height * 0.92:.0f} 0,{height} 0,{height}",
        ],
        "hard_quality_8": ["-quality", "8"],
    }


def _crop(width: int, height: int, share: float, random: Random) -> list[str]:
    across, down = round(width * share), round(height * share)
    return [
        "-crop",
        f"{across}x{down}+{random.randint(0, width - across)}+{random.randint(0, height - down)}",
        "+repage",
    ]


def _face(width: int, height: int, radius: float, random: Random) -> str:
    x, y = (random.uniform(radius, side - radius) for side in (width, height))
    return _EMOJI.format(
        x=round(x),
        y=round(y),
        top=round(y - radius),
        left=round(x - radius * 0.4),
        right=round(x + radius * 0.4),
        eye=round(y - radius * 0.3),
        eye2=round(y - radius * 0.15),
        chin=round(y + radius * 0.6),
    )


def _stripes(width: int, height: int) -> str:
    band = max(4, height // 12)
    return " ".join(f"rectangle 0,{top} {width},{top + band}" for top in range(band, height, 2 * band))


def make(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """Each photo and all its edits."""
    command = program()
    for number, photo in enumerate(photos):
        image = opened(photo)
        group = f"{number:04d}"
        source = written(folder, f"{group}/original.jpg", image, quality=95)
        yield Made(source, group, group, "original", source=True)
        random = Random(f"{seed}/{photo.name}")
        for name, arguments in edits(image.width, image.height, random).items():
            suffix = random.choice(_SAVED) if not name.startswith("hard") and "quality" not in name else "jpg"
            target = f"{group}/{name}.{'jpg' if suffix == 'gif' and name != 'gif_colours' else suffix}"
            subprocess.run([command, folder / source, *arguments, folder / target], check=True)
            yield Made(target, group, group, name)
