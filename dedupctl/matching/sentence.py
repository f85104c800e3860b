"""Evidence in one plain sentence: "B is A cropped to 62%, rotated 25° clockwise, saved again at lower quality"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dedupctl.domain import Content, Evidence, Member, Pair, PairKind, Photometric, Transform
from dedupctl.matching.derivation import GROUND, SAVED_SMALLER, WHOLE, made_from
from dedupctl.matching.score import Thresholds, refusal

_PURE_GROUND = 0.95
"""Share of one grey from which there is nothing on a ground: it is a border or a fill."""
_NOTICED = 0.03
"""Changes of scale below this are rounding of sizes."""


@dataclass(frozen=True, slots=True)
class _Making:
    """How one picture (`made`) came from the other (`source`), whichever of the two that is in the pair."""

    source: Content
    made: Content
    transform: Transform
    seen: float
    """Share of the source's area that can be seen in what was made of it."""
    filled: float
    """Share of the made picture's area that shows the source."""
    plain: float
    """Share of the rest of the made picture that is of one grey."""
    scale: float
    rotation: int
    """Whole degrees clockwise."""
    light: Photometric
    replaced: float
    by_a_bar: bool

    @property
    def turned_askew(self) -> bool:
        """Neither upright nor on its side: the frame cuts off corners or has to fill some."""
        return 2 <= abs(self.rotation) % 90 <= 88 and not self.transform.in_perspective

    @property
    def is_part_of_another(self) -> bool:
        """The source lies in quite another picture, not in a frame, on a page or on a fill."""
        return self.seen >= WHOLE > self.filled and self.plain < GROUND


def sentence(pair: Pair, content_a: Content, content_b: Content, names: tuple[str, str] = ("A", "B")) -> str:
    """What the two are to each other and how that is known. `names` are those of `content_a` and `content_b`."""
    evidence, (name_a, name_b) = pair.evidence, names
    if pair.kind is PairKind.EXACT:
        return f"{name_a} and {name_b} hold the same bytes"
    if pair.kind is PairKind.PIXEL:
        return f"{name_b} has the same pixels as {name_a}, {_around(evidence, content_a, content_b)}"
    if pair.kind is PairKind.NEAR:
        return _near(evidence, content_a, content_b, names)
    reason = refusal(evidence, Thresholds()) or "they were judged by other thresholds"
    if pair.kind is PairKind.SIMILAR:
        alike = "" if evidence.cosine is None else f" (cosine {evidence.cosine:.2f})"
        return f"{name_a} and {name_b} look alike{alike}, but no proof of a copy was found: {reason}"
    return f"{name_a} and {name_b} are different: {reason}"


def in_words(keeper: Member, member: Member) -> str:
    """What a member of a cluster is to its keeper."""
    if member.evidence is None:
        same = keeper.content.id == member.content.id
        return "it holds the very same bytes" if same else "it is joined to the keeper by other pictures only"
    first, second = sorted((keeper, member), key=lambda one: one.content.id)
    # Among other shots of a scene nothing is to be kept or removed.
    leading = "the first picture" if member.kind is PairKind.SIMILAR else "the keeper"
    names = (leading, "this picture") if first is keeper else ("this picture", leading)
    pair = Pair(first.content.id, second.content.id, member.kind, member.score, member.evidence)
    return sentence(pair, first.content, second.content, names)


def _around(evidence: Evidence, a: Content, b: Content) -> str:
    if a.facts.format != b.facts.format:
        return f"as {b.facts.format} instead of {a.facts.format}"
    return "with other metadata" if evidence.method == "stream" else "saved another way"


def _near(evidence: Evidence, content_a: Content, content_b: Content, names: tuple[str, str]) -> str:
    making = _making(evidence, content_a, content_b)
    if making is None:
        return f"{names[1]} is the same picture as {names[0]}, by your verdict"
    source, made = names if making.source is content_a else names[::-1]
    changes = [*_moved(making), *_framed(making), *_covered(making), *_lit(making)]
    if making.is_part_of_another:
        return ", ".join([f"{made} shows {source} on {making.filled:.0%} of its area", *changes])
    return f"{made} is {source} {', '.join([*changes, *_saved(making, first=not changes)])}"


def _making(evidence: Evidence, a: Content, b: Content) -> _Making | None:
    """Which one was made from the other; where nothing shows that, what has fewer pixels or bytes was."""
    e, transform = evidence, evidence.transform
    if transform is None or e.overlap_a is None or e.overlap_b is None:
        return None
    light, replaced, bar = e.photometric or Photometric(1.0, 0.0), e.replaced or 0.0, bool(e.replaced_is_bar)
    turned, plain_a, plain_b = round(transform.rotation), e.plain_a or 0.0, e.plain_b or 0.0
    made = made_from(e, a, b)
    if made if made is not None else _extent(b) <= _extent(a):
        shares = (e.overlap_a, e.overlap_b, plain_b)
        return _Making(a, b, transform, *shares, transform.scale, turned, light, replaced, bar)
    back = turned if transform.mirrored else -turned
    undone = Photometric(1 / light.gain, -light.offset / light.gain)
    shares = (e.overlap_b, e.overlap_a, plain_a)
    return _Making(b, a, transform, *shares, 1 / transform.scale, back, undone, replaced, bar)


def _extent(content: Content) -> tuple[int, int]:
    return content.facts.width * content.facts.height, content.size


def _moved(making: _Making) -> Iterator[str]:
    transform, turned = making.transform, abs(making.rotation)
    if making.seen < WHOLE and not (making.turned_askew and making.plain >= GROUND):
        yield f"cropped to {making.seen:.0%}"
    if transform.mirrored:
        yield "flipped upside down" if turned > 178 else "mirrored"
    if turned > 178:
        yield from () if transform.mirrored else ("rotated 180°",)
    elif turned >= (10 if transform.in_perspective else 1):
        yield f"rotated {turned}° {'clockwise' if making.rotation > 0 else 'to the left'}"
    if transform.in_perspective:
        yield "seen in perspective"
        return  # there is no one scale
    if _stretch(transform) > 1 + _NOTICED:
        yield "stretched to other proportions"
    if abs(making.scale - 1) > _NOTICED:
        yield f"{'reduced' if making.scale < 1 else 'enlarged'} to {making.scale:.0%}"


def _stretch(transform: Transform) -> float:
    largest, smallest = np.linalg.svd(np.array(transform.matrix).reshape(3, 3)[:2, :2], compute_uv=False)
    return float(largest / max(smallest, 1e-9))


def _framed(making: _Making) -> Iterator[str]:
    """What lies around the source in the made picture, if it is not quite another picture."""
    if making.filled >= WHOLE or making.is_part_of_another:
        return
    share = f"({1 - making.filled:.0%} of the area)"
    if making.turned_askew and making.plain >= GROUND:
        yield "with filled corners" if making.seen >= WHOLE else "with its corners cut off and filled"
    elif making.plain >= _PURE_GROUND:
        yield f"on a plain ground {share}" if making.transform.in_perspective else f"with a plain border {share}"
    elif making.plain >= GROUND:
        yield f"with a page or frame around it {share}"
    else:
        yield f"with something else around it {share}"


def _covered(making: _Making) -> Iterator[str]:
    if making.replaced > 0.01:
        yield f"with {'a bar across' if making.by_a_bar else 'something else on'} {making.replaced:.0%} of it"


def _lit(making: _Making) -> Iterator[str]:
    brighter = making.light.gain * 128 + making.light.offset - 128
    if abs(brighter) > 12:
        yield "brighter" if brighter > 0 else "darker"
    if abs(making.light.offset) > 12 and not 0.85 < making.light.gain < 1.15:  # a gain alone is only brightness
        yield "with more contrast" if making.light.gain > 1 else "with less contrast"


def _saved(making: _Making, *, first: bool) -> Iterator[str]:
    source, made = making.source, making.made
    if source.facts.format != made.facts.format:
        yield f"saved as {made.facts.format}"
    elif making.filled >= WHOLE and _bytes_per_pixel(made) < SAVED_SMALLER * _bytes_per_pixel(source):
        yield "saved again at lower quality"
    elif first:
        yield "saved again"


def _bytes_per_pixel(content: Content) -> float:
    return content.size / max(1, content.facts.width * content.facts.height)
