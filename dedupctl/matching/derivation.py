"""Which of two copies was made from the other, by stored evidence, and how far each is from its original."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from dedupctl.domain import Content, Evidence, PictureFacts

WHOLE = 0.97
"""A share from here on is all of it: borders of the shared part are known to a pixel or two of 320."""
GROUND = 0.62
"""Share of one grey from which what surrounds a picture was put there. Borders, fills, pages and screenshots around
55 photos had .65 and more; what crops cut off had less than .58, save for three photos on a plain ground (.71-.88).
"""
_SMALLER = 0.95
"""A picture that lies in another at a smaller scale was pasted there: nobody enlarges a crop by that much unasked."""
_MOST = 0.75
"""... unless it fills most of it. A crop brought back to the size of its original, or next to a smaller copy of it,
lies there at a smaller scale too; what is laid on a page or on another photo leaves more of that to be seen.
"""
_SAME_SHARE = 0.03


def b_was_made(evidence: Evidence) -> bool | None:
    """True when B was made from A, False when A was made from B, None when neither shows more than the other.

    A crop shows a part. A frame, a filled corner of a rotation, a screenshot or a collage shows all of its source, and
    something besides: a ground, or another picture in which the source is smaller.
    """
    e = evidence
    if e.transform is None or e.overlap_a is None or e.overlap_b is None:
        return None
    if e.overlap_a >= WHOLE and e.overlap_b >= WHOLE:
        return None
    if e.overlap_a >= WHOLE:
        return _was_put_there(e.transform.scale, e.overlap_b, e.plain_b)
    if e.overlap_b >= WHOLE:
        return not _was_put_there(1 / e.transform.scale, e.overlap_a, e.plain_a)
    if is_ground(e.plain_a) != is_ground(e.plain_b):
        return is_ground(e.plain_b)
    return None if abs(e.overlap_a - e.overlap_b) < _SAME_SHARE else e.overlap_a < e.overlap_b


def _was_put_there(scale: float, share: float, plain: float | None) -> bool:
    """A picture that fills this share of one that shows more was laid there, not cut out of it.

    `plain` is that of its surroundings.
    """
    return is_ground(plain) or (scale < _SMALLER and share < _MOST)


def is_ground(plain: float | None) -> bool:
    """What surrounds a picture was put there. `plain` is the share of one grey in it."""
    return plain is not None and plain >= GROUND


# --- direction from the files themselves -----------------------------------------------------------------------------

SAVED_SMALLER = 0.9
"""Bytes of one over the other, of one format and size, below which it was saved again at lower quality."""
_ENLARGED, _REDUCED = 1.0, 1.9
"""Between two sizes of one picture, bytes grow with the linear scale to this power. Measured on 24 photos of 1,400 px
at scales of 1.25 to 3 and JPEG qualities of 60 to 95: enlarged and saved at lower quality .0 to 1.0 (5th to 95th
percentile; at the same quality 1.2 to 1.6), reduced at lower quality 1.5 and more (at the same quality 1.0 to 2.1).
Between the two bytes say nothing.
"""
_SAME_SIZE = 1.03
_WEIGHT = {"JPEG": 1.0, "MPO": 1.0, "HEIF": 2.0}
"""Bytes of JPEG that one byte is worth at the same quality; other formats are not weighed against each other."""


def made_from(evidence: Evidence, a: Content, b: Content) -> bool | None:
    """True when B was made from A, False when A was made from B, None when nothing stored shows which.

    Geometry comes first. Of equal pixels in a lossy and a lossless file, the lossless one was saved from the other:
    only a decoder of the lossy one makes just those pixels. Of two that show the same, size and bytes tell an enlarged
    copy, a reduced one and one saved again at lower quality. That is an inference and does not hold against the record
    of a camera.
    """
    if (made := b_was_made(evidence)) is not None:
        return made
    if evidence.method == "pixels":
        lossy_a, lossy_b = a.facts.format in _WEIGHT, b.facts.format in _WEIGHT
        return None if lossy_a == lossy_b else lossy_a
    if evidence.transform is None or not _shows_the_same(evidence):
        return None
    inferred = _made_by_weight(a, b)
    if inferred is None:
        return None
    source, made_of_it = (a, b) if inferred else (b, a)
    return None if camera_record(made_of_it.facts) > camera_record(source.facts) else inferred


def generations(sources: Mapping[int, Collection[int]]) -> dict[int, int]:
    """How many makings lie behind each content at most, given what each was made from; contents left out have none.

    Proofs may contradict each other: A from B, B from C, C from A. Those of a circle share one generation (Tarjan's
    strongly connected components), because a circle proves nothing, and later rules decide among them. Outside circles
    what was made always comes after what it was made from.
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    generation: dict[int, int] = {}
    open_ids: list[int] = []
    for start in sorted(sources):
        if start in order:
            continue
        walk: list[tuple[int, Iterator[int]]] = []
        enter: int | None = start
        while walk or enter is not None:
            if enter is not None:
                order[enter] = low[enter] = len(order)
                open_ids.append(enter)
                walk.append((enter, iter(sorted(sources.get(enter, ())))))
            here, remaining = walk[-1]
            enter = None
            for source in remaining:
                if source not in order:
                    enter = source
                    break
                if source not in generation:
                    low[here] = min(low[here], order[source])
            if enter is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[here])
                if low[here] == order[here]:
                    _close(here, open_ids, sources, generation)
    return generation


def _close(first: int, open_ids: list[int], sources: Mapping[int, Collection[int]], generation: dict[int, int]) -> None:
    """Give the circle (mostly of one) that begins with `first` its generation."""
    circle = [open_ids.pop()]
    while circle[-1] != first:
        circle.append(open_ids.pop())
    behind = (generation[source] + 1 for one in circle for source in sources.get(one, ()) if source in generation)
    generation |= dict.fromkeys(circle, max(behind, default=0))


def camera_record(facts: PictureFacts) -> tuple[bool, bool, bool]:
    """Does the file name its camera, when it was taken, and where? The first that differs counts most."""
    return bool(facts.camera), bool(facts.taken_at), facts.has_gps


def _shows_the_same(evidence: Evidence) -> bool:
    return min(evidence.overlap_a or 0.0, evidence.overlap_b or 0.0) >= WHOLE


def _made_by_weight(a: Content, b: Content) -> bool | None:
    """True when B was made from A by what both weigh for their size."""
    if a.facts.format not in _WEIGHT or b.facts.format not in _WEIGHT:
        return None
    small, large = sorted((a, b), key=_pixels)
    scale = math.sqrt(_pixels(large) / max(1, _pixels(small)))
    if scale <= _SAME_SIZE:
        if a.facts.format != b.facts.format:
            return None
        if b.size < SAVED_SMALLER * a.size:
            return True
        return False if a.size < SAVED_SMALLER * b.size else None
    weights = (_WEIGHT[one.facts.format] * max(1, one.size) for one in (large, small))
    growth = math.log(next(weights) / next(weights)) / math.log(scale)
    if growth < _ENLARGED:
        return large is b
    return small is b if growth > _REDUCED else None


def _pixels(content: Content) -> int:
    return content.facts.width * content.facts.height
