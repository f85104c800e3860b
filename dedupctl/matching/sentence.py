"""Evidence in one plain sentence: "B is A cropped to 62 %, rotated 25° clockwise, saved again at lower quality"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dedupctl.domain import Content, Evidence, Member, Pair, PairKind, Transform
from dedupctl.matching.score import Thresholds, refusal

_WHOLE = 0.97
"""Shares above this count as everything: boxes are good to a per cent or two."""


@dataclass(frozen=True, slots=True)
class _Making:
    """How one picture (`made`) came from the other (`source`), whichever of the two that is in the pair."""

    source: Content
    made: Content
    transform: Transform
    seen_of_source: float
    """Share of the source's area that can be seen in what was made of it."""
    filled: float
    """Share of the made picture's area that shows the source."""
    detail_filled: float
    """The same of its detail."""
    scale: float
    rotation: float
    brighter: float
    """Grey levels at middle grey."""
    gain: float
    replaced: float


def sentence(pair: Pair, content_a: Content, content_b: Content, names: tuple[str, str] = ("A", "B")) -> str:
    """What the two are to each other and how that is known. `names` are those of `content_a` and `content_b`."""
    evidence, (name_a, name_b) = pair.evidence, names
    if pair.kind is PairKind.EXACT:
        return f"{name_a} and {name_b} hold the same bytes"
    if pair.kind is PairKind.PIXEL:
        other = "metadata" if evidence.method == "stream" else "another file around them"
        return f"{name_b} has the same pixels as {name_a}, with other {other}".replace("other another", "another")
    if pair.kind is PairKind.NEAR:
        return _near(evidence, content_a, content_b, names)
    alike = f"look alike (cosine {evidence.cosine:.2f}), but" if pair.kind is PairKind.SIMILAR else "are different:"
    reason = refusal(evidence, Thresholds()) or "a person said so"
    joint = " no proof of a copy was found: " if pair.kind is PairKind.SIMILAR else " "
    return f"{name_a} and {name_b} {alike}{joint}{reason}"


def in_words(keeper: Member, member: Member) -> str:
    """What a member of a cluster is to its keeper."""
    if member.evidence is None:
        same = keeper.content.id == member.content.id
        return "it holds the same bytes as the keeper" if same else "it is joined to the keeper by other pictures only"
    first, second = sorted((keeper, member), key=lambda one: one.content.id)
    names = ("the keeper", "it") if first is keeper else ("it", "the keeper")
    pair = Pair(first.content.id, second.content.id, member.kind, member.score, member.evidence)
    return sentence(pair, first.content, second.content, names)


def _near(evidence: Evidence, content_a: Content, content_b: Content, names: tuple[str, str]) -> str:
    making = _making(evidence, content_a, content_b)
    if making is None:
        return f"{names[1]} is the same picture as {names[0]}, by your verdict"
    source, made = names if making.source is content_a else names[::-1]
    if making.filled < _WHOLE and making.scale < 0.95 and making.detail_filled < _WHOLE:
        changes = [f"inside a larger picture ({making.filled:.0%} of it)", *_changes(making)]
        return f"{made} shows {source} {', '.join(changes)}"
    return f"{made} is {source} {', '.join(_changes(making))}"


def _making(evidence: Evidence, a: Content, b: Content) -> _Making | None:
    """Which one was made from the other: what shows less of the motif, or shows it smaller, was made."""
    transform = evidence.transform
    if transform is None or evidence.overlap_a is None or evidence.overlap_b is None:
        return None
    gain, offset = (evidence.photometric.gain, evidence.photometric.offset) if evidence.photometric else (1.0, 0.0)
    detail = (evidence.covered_a or 0.0, evidence.covered_b or 0.0)
    replaced = evidence.replaced or 0.0
    shown = (evidence.overlap_a, evidence.overlap_b)
    if _b_was_made(shown, detail, transform.scale, a, b):
        brighter = gain * 128 + offset - 128
        return _Making(
            a, b, transform, *shown, detail[1], transform.scale, transform.rotation, brighter, gain, replaced
        )
    rotation = transform.rotation if transform.mirrored else -transform.rotation
    brighter = (128 - offset) / gain - 128
    seen, filled = shown[::-1]
    return _Making(
        b, a, transform, seen, filled, detail[0], 1 / transform.scale, rotation, brighter, 1 / gain, replaced
    )


def _b_was_made(shown: tuple[float, float], detail: tuple[float, float], scale: float, a: Content, b: Content) -> bool:
    if min(shown) >= _WHOLE:
        return (b.facts.width * b.facts.height, b.size) <= (a.facts.width * a.facts.height, a.size)
    if shown[0] >= _WHOLE:  # all of A lies in B: B is a frame around it, or A was cut from B
        return scale < 0.95 or detail[1] >= _WHOLE
    if shown[1] >= _WHOLE:
        return not (scale > 1 / 0.95 or detail[0] >= _WHOLE)
    return shown[0] <= shown[1]


def _changes(making: _Making) -> Iterator[str] | list[str]:
    changes = [*_moved(making), *_covered(making), *_lit(making)]
    return [*changes, _saved(making)] if (making.filled >= _WHOLE or making.scale >= 0.95) else changes or ["unchanged"]


def _moved(making: _Making) -> Iterator[str]:
    if making.seen_of_source < _WHOLE:
        yield f"cropped to {making.seen_of_source:.0%}"
    turned = round(making.rotation)
    if making.transform.mirrored:
        yield "flipped upside down" if abs(turned) > 178 else "mirrored"
    if abs(turned) >= 1 and not (making.transform.mirrored and abs(turned) > 178):
        yield f"rotated {abs(turned)}°" + ("" if abs(turned) > 178 else " clockwise" if turned > 0 else " to the left")
    if making.transform.in_perspective:
        yield "seen aslant"
    elif _stretch(making.transform) > 1.04:
        yield "stretched to other proportions"
    if abs(making.scale - 1) > 0.03 and making.filled >= _WHOLE:
        yield f"{'reduced' if making.scale < 1 else 'enlarged'} to {making.scale:.0%}"


def _stretch(transform: Transform) -> float:
    largest, smallest = np.linalg.svd(np.array(transform.matrix).reshape(3, 3)[:2, :2], compute_uv=False)
    return float(largest / max(smallest, 1e-9))


def _covered(making: _Making) -> Iterator[str]:
    if making.filled < _WHOLE and (making.scale >= 0.95 or making.detail_filled >= _WHOLE):
        yield "with a border" if making.detail_filled >= _WHOLE else "with something added around it"
    if making.replaced > 0.01:
        yield f"with {making.replaced:.0%} of it covered by something else"


def _lit(making: _Making) -> Iterator[str]:
    if abs(making.brighter) > 12:
        yield "brighter" if making.brighter > 0 else "darker"
    if not 0.85 < making.gain < 1.15:
        yield "with more contrast" if making.gain > 1 else "with less contrast"


def _saved(making: _Making) -> str:
    source, made = making.source, making.made
    if source.facts.format != made.facts.format:
        return f"saved as {made.facts.format}"
    if _bytes_per_pixel(made) < 0.9 * _bytes_per_pixel(source):
        return "saved again at lower quality"
    return "saved again"


def _bytes_per_pixel(content: Content) -> float:
    return content.size / max(1, content.facts.width * content.facts.height)
