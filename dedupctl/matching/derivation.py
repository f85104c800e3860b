"""Which of two copies was made from the other, by stored evidence, and how many derivations lie behind each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from dedupctl.domain import Content, Evidence, PictureFacts

WHOLE = 0.97
"""A share of at least this counts as all of it: borders of the shared part are accurate to a pixel or two of 320."""
GROUND = 0.62
"""If at least this share of a picture's surroundings has one grey value, they were added to it. Borders, fills, pages
and screenshots around 55 photos had .65 and more; what crops cut off had less than .58, except for three photos with a
plain background (.71-.88).
"""
_SMALLER = 0.95
"""A picture that appears in another at a scale below this was pasted there: crops are rarely enlarged that much."""
_MOST = 0.75
"""... unless it fills more than this share of it. A crop enlarged to the size of its original, or compared with a
smaller copy of it, also appears at a smaller scale; a picture pasted on a page or a photo leaves more of that visible.
"""
_SAME_SHARE = 0.03


def b_was_made(evidence: Evidence) -> bool | None:
    """True if B was made from A, False if A was made from B, None if neither shows more than the other.

    A crop shows a part. A frame, a rotation with filled corners, a screenshot or a collage shows all of its source and
    something else: a plain background, or another picture in which the source is smaller.
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
    """Was a picture that fills this share of a larger one pasted there, and not cut out of it?

    `plain` is the share of one grey value in its surroundings.
    """
    return is_ground(plain) or (scale < _SMALLER and share < _MOST)


def is_ground(plain: float | None) -> bool:
    """Were the surroundings of a picture added to it? `plain` is the share of one grey value in them."""
    return plain is not None and plain >= GROUND


# --- direction from the files themselves -----------------------------------------------------------------------------

SAVED_SMALLER = 0.9
"""Of two in one format and size, the one with less than this share of the bytes was saved again at lower quality."""
_ENLARGED, _REDUCED = 1.0, 1.9
"""Between two sizes of one picture, bytes grow with the linear scale to some power: below the first, the larger one was
enlarged; above the second, the smaller one was reduced. Measured on 24 photos of 1,400 px at scales of 1.25 to 3 and
JPEG qualities of 60 to 95: enlarged and saved at lower quality .0 to 1.0 (5th to 95th percentile; at the same quality
1.2 to 1.6), reduced at lower quality 1.5 and more (at the same quality 1.0 to 2.1). In between, bytes say nothing.
"""
_SAME_SIZE = 1.03
_WEIGHT = {"JPEG": 1.0, "MPO": 1.0, "HEIF": 2.0}
"""How many bytes of JPEG equal one byte of a format at the same quality; other formats are not compared."""


def made_from(evidence: Evidence, a: Content, b: Content) -> bool | None:
    """True if B was made from A, False if A was made from B, None if nothing stored shows which.

    Geometry comes first. If a lossy and a lossless file have equal pixels, the lossless one was saved from the lossy
    one: only its decoder produces exactly those pixels. If both show the same, size and bytes tell an enlarged copy, a
    reduced one, and one saved again at lower quality. That is an inference, and the record of a camera overrules it.
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
    """The longest chain of derivations behind each content, given what each was made from; others have none.

    Proofs may contradict each other: A from B, B from C, C from A. The contents of a cycle share one generation
    (Tarjan's strongly connected components), because a cycle proves nothing, and later rules decide among them. Outside
    cycles, a copy always comes after what it was made from.
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
    """Give the cycle that begins with `first`, mostly a single content, its generation."""
    cycle = [open_ids.pop()]
    while cycle[-1] != first:
        cycle.append(open_ids.pop())
    behind = (generation[source] + 1 for one in cycle for source in sources.get(one, ()) if source in generation)
    generation |= dict.fromkeys(cycle, max(behind, default=0))


def camera_record(facts: PictureFacts) -> tuple[bool, bool, bool]:
    """Whether the file says which camera took it, when, and where; the first that differs counts most."""
    return bool(facts.camera), bool(facts.taken_at), facts.has_gps


def _shows_the_same(evidence: Evidence) -> bool:
    return min(evidence.overlap_a or 0.0, evidence.overlap_b or 0.0) >= WHOLE


def _made_by_weight(a: Content, b: Content) -> bool | None:
    """As `made_from`, by the bytes of both relative to their size in pixels."""
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
