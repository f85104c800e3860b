"""How near two vectors must be to be compared, in a library of a given size.

A constant threshold makes a first scan quadratic: at cosine 0.53 one of 2,200 pairs of different photos is proposed,
so a photo has 0.2 chance candidates among a thousand others and 460 among two million. The threshold therefore
follows the number of pictures that are searched, so that about as many are found by chance in any large library.
"""

from __future__ import annotations

import numpy as np

MOST_BY_CHANCE = 100
"""Chance candidates a picture may be expected to have. The screen turns nearly all of them away, 0.07 ms each."""

_COSINES = (0.53, 0.63, 0.72, 0.77)
_SHARES = (4.6e-4, 1e-4, 2e-5, 1e-5)
"""Share of all pairs of different photos that lie at least so near, all parts counted, by the built-in model.

Measured on 650 photos; 2,492 others gave 4.4e-4 at 0.53 and 6e-5 at 0.63. Proposed at these cosines are 1.0000,
1.0000, .998 and .995 of the library edits and .979, .944, .881 and .866 of the hard ones."""
_SLOPES = np.diff(np.log(_SHARES)) / np.diff(_COSINES)


def share_by_chance(cosine: float) -> float:
    """Of all pairs of different photos, the share whose vectors lie at least so near; logarithms are interpolated."""
    place = int(np.clip(np.searchsorted(_COSINES, cosine) - 1, 0, len(_SLOPES) - 1))
    return float(np.exp(np.log(_SHARES[place]) + _SLOPES[place] * (cosine - _COSINES[place])))


def cosine_for(searched: int, least: float) -> float:
    """The smallest cosine, but no less than `least`, at which no more than `MOST_BY_CHANCE` of so many others are
    expected by chance; found to a thousandth by halving."""
    low, high = least, 1.0
    if expected_by_chance(searched, low) <= MOST_BY_CHANCE:
        return low
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (middle, high) if expected_by_chance(searched, middle) > MOST_BY_CHANCE else (low, middle)
    return high


def expected_by_chance(searched: int, cosine: float) -> float:
    """How many of `searched` others lie at least so near to a picture that has no copy among them."""
    return searched * share_by_chance(cosine)
