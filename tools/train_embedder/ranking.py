"""How good vectors are at finding copies: formulas on cosines, without any picture or model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Cosines = npt.NDArray[np.float32]
"""Of each query with each picture of the library, shape (queries, library)."""
Partners = npt.NDArray[np.int64]
"""Which picture of the library each query was made from, shape (queries,)."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a threshold proposes."""

    cosine: float
    found: float
    """Share of the true pairs that are proposed."""
    false: float
    """Other pictures proposed, a query."""


def proposals(
    cosines: Cosines, also: npt.NDArray[np.bool_], partners: Partners, thresholds: Sequence[float]
) -> list[Proposals]:
    """What each threshold proposes, together with what something else (`also`, of the shape of `cosines`) does."""
    rows = np.arange(len(partners))
    out = []
    for threshold in thresholds:
        proposed = (cosines >= threshold) | also
        hits = proposed[rows, partners]
        out.append(Proposals(threshold, float(hits.mean()), float((proposed.sum() - hits.sum()) / len(partners))))
    return out


def widest(ladder: Sequence[Proposals], most_false: float) -> Proposals | None:
    """The lowest threshold that keeps false candidates at or below this many a query."""
    allowed = [step for step in ladder if step.false <= most_false]
    return min(allowed, key=lambda step: step.cosine, default=None)


def precision_and_recall(
    cosines: Cosines, partners: Partners
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """After each of all pairs, the nearest first: the share of them that are true, and of the true that are among them.

    Pairs of one cosine count at once: their order would be chance.
    """
    truth = np.zeros(cosines.shape, np.bool_)
    truth[np.arange(len(partners)), partners] = True
    order = np.argsort(-cosines, axis=None, kind="stable")
    nearest = cosines.ravel()[order]
    hits = np.cumsum(truth.ravel()[order])
    last = np.append(nearest[1:] != nearest[:-1], True)
    return (hits / np.arange(1, hits.size + 1))[last], (hits / len(partners))[last]


def micro_average_precision(cosines: Cosines, partners: Partners) -> float:
    """uAP: the mean over all true pairs of the precision at their rank among all pairs of all queries.

    The measure of the image similarity challenge (arXiv 2106.09672): one threshold must serve all queries.
    """
    precision, recall = precision_and_recall(cosines, partners)
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def recall_at_precision(cosines: Cosines, partners: Partners, least: float) -> float:
    """The largest share of true pairs that any threshold finds while at least this share of what it says is true."""
    precision, recall = precision_and_recall(cosines, partners)
    return float(recall[precision >= least].max(initial=0.0))


def recall_at_false_rate(cosines: Cosines, partners: Partners, most: float) -> float:
    """Share of true pairs above the cosine that a share of at most `most` of all false pairs exceeds."""
    truth = np.zeros(cosines.shape, np.bool_)
    truth[np.arange(len(partners)), partners] = True
    false = np.sort(cosines[~truth])[::-1]
    allowed = int(most * len(false))
    bar = false[allowed] if allowed < len(false) else -np.inf
    return float((cosines[truth] > bar).mean())
