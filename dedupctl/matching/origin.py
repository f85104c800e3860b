"""Which of two copies was made from the other, as far as geometry tells."""

from __future__ import annotations

from dedupctl.domain import Evidence

WHOLE = 0.97
"""A share from here on is all of it: borders of the shared part are known to a pixel or two of 320."""
_SMALLER = 0.95
"""A picture that lies in another at a smaller scale was pasted there: nobody enlarges a crop by that much unasked."""


def b_was_made(evidence: Evidence) -> bool | None:
    """True when B was made from A, False when A was made from B, None when both show the same.

    A crop shows a part. A frame, a filled corner of a rotation, a screenshot or a collage shows all of its source and
    something besides, that has no detail of its own or shows the source smaller.
    """
    e = evidence
    if e.transform is None or e.overlap_a is None or e.overlap_b is None:
        return None
    scale, detail_a, detail_b = e.transform.scale, e.covered_a or 0.0, e.covered_b or 0.0
    if min(e.overlap_a, e.overlap_b) >= WHOLE:
        return None
    if e.overlap_a >= WHOLE:
        return scale < _SMALLER or detail_b >= WHOLE
    if e.overlap_b >= WHOLE:
        return not (scale > 1 / _SMALLER or detail_a >= WHOLE)
    return e.overlap_a <= e.overlap_b
