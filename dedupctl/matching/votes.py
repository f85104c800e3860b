"""How many local features of two pictures agree on one scale, turn and shift: in microseconds, so a hint and no proof.

Matches vote as in a generalised Hough transform (Lowe, IJCV 2004, section 7.3), but each is compared with every other
instead of being sorted into bins, since there are only a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray
from dedupctl.matching.sketch import FEATURES, WORDS, Sketch, Sketches

CLOSE_BITS = 30
"""Of the 128 bits of a descriptor; farther ones are not taken for the same point."""
_SAME_TURN = np.deg2rad(25)
_SAME_SIZE = 0.75
"""Doublings."""
_SAME_SHIFT = 40.0
"""Pixels at working size, times the scale, by which two matches may place the middle of the picture apart."""
_MIDDLE = (160.0, 120.0)
_MOST_VOTES = 10
_MATCHES = 24
"""Matches of one pair that are voted on, the closest first: two unrelated pictures have four on the average."""
_Places: TypeAlias = npt.NDArray[np.intp]
_Votes: TypeAlias = npt.NDArray[np.int64]
_A_TIME = 64
"""Pairs compared at once: their distances take 0.3 MB."""

WEIGHT_OF_A_VOTE, WEIGHT_OF_COSINE, BIAS = 0.81, 13.08, -13.02
"""Logistic regression on 796 true candidates (16 photos in fifty forms each) and 2,282 false ones (cosine ≥ 0.5 among
2,492 other photos)."""


def passing(asked: Sketches, others: Sequence[Sketch], cosines: FloatArray, least: float) -> npt.NDArray[np.bool_]:
    """Which of `others` score at least `least` as copies of the picture of `asked`; shape (len(others),).

    Args:
        cosines: of the pictures' vectors, shape (len(others),).
    """
    needed = (least - BIAS - WEIGHT_OF_COSINE * cosines) / WEIGHT_OF_A_VOTE
    passed = needed <= 0
    for sketch in (asked.plain, asked.mirrored):
        open_ = np.flatnonzero(~passed & (needed <= _MOST_VOTES))
        for start in range(0, len(open_), _A_TIME):
            some = open_[start : start + _A_TIME]
            passed[some] = _votes(sketch, [others[place] for place in some], needed[some]) >= needed[some]
    return np.asarray(passed, np.bool_)


def votes_for(asked: Sketches, others: Sequence[Sketch]) -> npt.NDArray[np.int64]:
    """How many features of each of `others` match one of the asked picture and agree with each other on one transform.

    Shape (len(others),). For those that `passing` let through: it costs twice as much.
    """
    counted = np.zeros(len(others), np.int64)
    for sketch in (asked.plain, asked.mirrored):
        for start in range(0, len(others), _A_TIME):
            some = slice(start, start + _A_TIME)
            counted[some] = np.maximum(counted[some], _votes(sketch, others[some], np.ones(len(others[some]))))
    return counted


def _votes(asked: Sketch, others: Sequence[Sketch], needed: FloatArray | npt.NDArray[np.float64]) -> _Votes:
    """The size of the largest set of matches that agree, for each of `others`; 0 where fewer than `needed` match."""
    counted = np.zeros(len(others), np.int64)
    if not len(asked):
        return counted
    pairs, mine, theirs = _matches(asked, others)
    ends = np.searchsorted(pairs, np.arange(len(others) + 1))
    for place in np.flatnonzero(np.diff(ends) >= needed).tolist():
        some = slice(ends[place], min(ends[place + 1], ends[place] + _MATCHES))
        counted[place] = _largest_agreement(asked, others[place], mine[some], theirs[some])
    return counted


def _matches(asked: Sketch, others: Sequence[Sketch]) -> tuple[_Places, _Places, _Places]:
    """Features that are each other's nearest and close: (which of `others`, feature of `asked`, feature of the other).

    In order of the first, the closest matches of each first.
    """
    bits = np.zeros((len(others), FEATURES, WORDS), np.uint64)
    absent = np.ones((len(others), 1, FEATURES), np.bool_)
    for place, other in enumerate(others):
        bits[place, : len(other)] = other.bits
        absent[place, :, : len(other)] = False
    distances = np.zeros((len(others), len(asked), FEATURES), np.uint8)
    for word in range(WORDS):
        distances += np.bitwise_count(asked.bits[:, np.newaxis, word] ^ bits[:, np.newaxis, :, word])
    # What stands for no feature is nobody's nearest.
    np.copyto(distances, 255, where=absent)
    theirs = distances.argmin(axis=2)
    nearest = np.take_along_axis(distances, theirs[:, :, np.newaxis], 2)[:, :, 0]
    mutual = np.take_along_axis(distances.argmin(axis=1), theirs, 1) == np.arange(len(asked))
    pairs, mine = np.nonzero(mutual & (nearest <= CLOSE_BITS))
    order = np.lexsort((nearest[pairs, mine], pairs))
    pairs, mine = pairs[order], mine[order]
    return pairs, mine, theirs[pairs, mine]


def _largest_agreement(asked: Sketch, other: Sketch, mine: _Places, theirs: _Places) -> int:
    if len(mine) < 2:
        return len(mine)
    size = other.sizes[theirs] - asked.sizes[mine]
    turn = other.angles[theirs] - asked.angles[mine]
    step = np.exp2(size) * np.exp(1j * turn)
    # Where each match says that the middle of the asked picture lies in the other, as a complex number.
    away = complex(*_MIDDLE) - (asked.points[mine] @ (1, 1j))
    middle = other.points[theirs] @ (1, 1j) + step * away
    same_size = np.abs(size[:, np.newaxis] - size) < _SAME_SIZE
    same_turn = np.abs(np.angle(np.exp(1j * (turn[:, np.newaxis] - turn)))) < _SAME_TURN
    scale = np.maximum(0.5, np.maximum(np.exp2(size)[:, np.newaxis], np.exp2(size)))
    same_shift = np.abs(middle[:, np.newaxis] - middle) < _SAME_SHIFT * scale
    return int((same_size & same_turn & same_shift).sum(axis=1).max())
