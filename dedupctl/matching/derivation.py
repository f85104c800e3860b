"""Which of two copies was made from the other, as far as geometry tells."""

from __future__ import annotations

from dedupctl.domain import Evidence

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
