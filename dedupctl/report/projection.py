"""Where each picture lies on the map: t-SNE of the embeddings, which keeps the places of the last map.

Nobody can learn a map that looks different every time. So pictures of the last map stay nearly where they were:
openTSNE's `transform` places new ones among them, and a few joint steps let all of them settle. *(measured with 6,000
old and 2,000 new: half of the old ones move less than 0.6 % of the map's width, 95 of 100 less than 1.3 %, and
trustworthiness is 0.9960 against 0.9962 for a map made from scratch; without the joint steps 0.9950.)*
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from dedupctl.catalog.map_points import PointArray
from dedupctl.domain import FloatArray

Steps: TypeAlias = Callable[[int, int], None]
"""(done, total) of the optimisation."""

_PERPLEXITY = 30
"""openTSNE's default, like all other parameters, so that the map is no less faithful than its own."""
_SETTLING_STEPS = 30
_FEWEST_KNOWN = 100
"""With fewer known places, the last map is too small to build on."""
_JOBS = 1
"""A second thread costs a fifth more CPU and, at 20,000 points on two cores, was no faster *(measured)*."""


def project(
    content_ids: Sequence[int],
    vectors: FloatArray,
    known: Mapping[int, tuple[float, float]],
    steps: Steps = lambda _done, _total: None,
) -> PointArray:
    """Places of these contents, in their order; shape (n, 2).

    `known` holds the places of the last map. If all are known, nothing moves. If more than half are new, the map is
    made from scratch, because it shows another library.
    """
    is_known = np.array([content_id in known for content_id in content_ids], bool)
    if is_known.all():
        return _places(content_ids, known)
    if is_known.sum() < max(_FEWEST_KNOWN, len(content_ids) / 2):
        return _from_scratch(vectors, steps)
    old = _places([content_id for content_id in content_ids if content_id in known], known)
    return _grown(vectors, is_known, old, steps)


def _from_scratch(vectors: FloatArray, steps: Steps) -> PointArray:
    count = len(vectors)
    if count < 8 or np.ptp(vectors, axis=0).max() < 1e-6:
        return _on_a_circle(count)
    from openTSNE import TSNE

    early, late = 250, 500
    done = {"steps": 0}

    def count_steps(_iteration: int, _error: float, _embedding: object) -> None:
        done["steps"] += 50
        steps(done["steps"], early + late)

    tsne = TSNE(
        perplexity=min(_PERPLEXITY, (count - 1) / 3),
        early_exaggeration_iter=early,
        n_iter=late,
        n_jobs=_JOBS,
        random_state=0,
        callbacks=count_steps,
        callbacks_every_iters=50,
    )
    return np.asarray(tsne.fit(vectors), np.float64)


def _grown(vectors: FloatArray, is_known: Any, old: PointArray, steps: Steps) -> PointArray:
    places = np.empty((len(vectors), 2))
    places[is_known] = old
    steps(0, 3)
    places[~is_known] = np.asarray(_embedding(old, vectors[is_known]).transform(vectors[~is_known]))
    steps(1, 3)
    together = _embedding(places, vectors)
    steps(2, 3)
    settled = together.optimize(n_iter=_SETTLING_STEPS, momentum=0.5)
    steps(3, 3)
    return np.asarray(settled, np.float64)


def _embedding(places: PointArray, vectors: FloatArray) -> Any:
    """An openTSNE embedding at these places."""
    from openTSNE import TSNEEmbedding, affinity

    nearness = affinity.PerplexityBasedNN(
        vectors, perplexity=min(_PERPLEXITY, (len(vectors) - 1) / 3), n_jobs=_JOBS, random_state=0
    )
    return TSNEEmbedding(places, nearness, n_jobs=_JOBS, random_state=0)


def _on_a_circle(count: int) -> PointArray:
    """Places for a handful of pictures, or for equal ones only, which have no neighbourhoods to show."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _places(content_ids: Sequence[int], known: Mapping[int, tuple[float, float]]) -> PointArray:
    return np.array([known[content_id] for content_id in content_ids], np.float64).reshape(-1, 2)
