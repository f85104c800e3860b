"""Bring stored data in line with changed settings, without opening the original files again.

After a change of the embedding model, every content is embedded again from its thumbnail, and the cosines of stored
evidence are updated. After a change of the model or of the proposal threshold, candidate pairs are proposed again;
existing proofs stay. After a change of thresholds, stored evidence is judged again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Content, FloatArray, IntArray, Unreadable
from dedupctl.indexing.workers import Workers
from dedupctl.matching.rejudging import prove_again, rejudge, update_cosines
from dedupctl.matching.score import RULES, thresholds_of
from dedupctl.workspace import Workspace

PROPOSED_WITH = "proposed_with"
"""Meta key: the model and cosine threshold used to propose candidates for all matched contents."""
JUDGED_WITH = "judged_with"
"""Meta key: the thresholds used to judge all pairs."""
PICTURES_A_BATCH = 32
"""Pictures per worker and portion: a third of a second, for which a new picture has to wait in the daemon."""

Say = Callable[[str], None]


class Upkeep:
    """Brings a catalog in line with the configuration in portions, so that other work need not wait until the end.

    Nothing is proposed again before the last picture has its vector, so clusters stay unchanged until the new model
    covers all of them. If stopped early, the work continues at the next start.
    """

    def __init__(self, workspace: Workspace, workers: Workers, say: Say) -> None:
        self._workspace = workspace
        self._workers = workers
        self._say = say
        with workspace.catalog.read() as tx:
            self._missing = deque(tx.embeddings.missing(workspace.model_id))
        if self._missing:
            say(f"the model changed: embedding {self.left:,} pictures again from their thumbnails")

    @property
    def left(self) -> int:
        """The number of pictures without a vector of the configured model."""
        return len(self._missing)

    def embed_portion(self) -> tuple[IntArray, FloatArray]:
        """Embed the next portion of pictures.

        Returns the labels, and the vectors of shape (n, dim), that an already open index must add.
        """
        most = PICTURES_A_BATCH * self._workers.count
        portion = [self._missing.popleft() for _ in range(min(self.left, most))]
        with self._workspace.catalog.read() as tx:
            contents = tx.contents.get(portion)
        vectors = self._embedded(list(contents.values()))
        with self._workspace.catalog.write() as tx:
            labels = tx.embeddings.add(self._workspace.model_id, vectors)
        rows = np.array([row for parts in vectors.values() for row in parts], np.float32)
        lively = np.array([not contents[owner].flat for owner, parts in vectors.items() for _ in parts], np.bool_)
        return labels[lively], rows.reshape(-1, self._workspace.model.dim)[lively]

    def finish(self) -> bool:
        """Propose candidates and judge evidence again if due. Call it when no picture is left to embed.

        Returns whether contents that had been compared must be compared again.
        """
        is_proposed_anew = _propose_anew_if_asked(self._workspace, self._say)
        is_proven_again = _judge_again_if_asked(self._workspace, self._say)
        return is_proposed_anew or is_proven_again

    def _embedded(self, contents: Sequence[Content]) -> dict[int, FloatArray]:
        """Vectors by content id. A content whose thumbnail is missing or damaged has none."""
        thumbnails = self._workspace.thumbs.get([content.digest for content in contents])
        pictures = [(content.id, thumbnails[content.digest]) for content in contents if content.digest in thumbnails]
        batches = [pictures[start : start + PICTURES_A_BATCH] for start in range(0, len(pictures), PICTURES_A_BATCH)]
        answers = [self._workers.embed([thumbnail for _, thumbnail in batch]) for batch in batches]
        return {
            content_id: answer
            for batch, future in zip(batches, answers, strict=True)
            for (content_id, _), answer in zip(batch, future.result().results, strict=True)
            if not isinstance(answer, Unreadable)
        }


def keep_up(
    workspace: Workspace,
    workers: Workers,
    say: Say,
    is_stopped: Callable[[], bool],
    still_left: Callable[[int], None] = lambda _: None,
) -> None:
    """Bring the catalog in line in one go, before the index is opened; the index then contains every new vector."""
    upkeep = Upkeep(workspace, workers, say)
    while upkeep.left and not is_stopped():
        still_left(upkeep.left)
        upkeep.embed_portion()
    if not upkeep.left:
        upkeep.finish()


def _propose_anew_if_asked(workspace: Workspace, say: Say) -> bool:
    """Returns whether contents that had been compared must be compared again."""
    now = [workspace.model.key, workspace.config.model.propose_cosine]
    before = _kept(workspace.catalog, PROPOSED_WITH)
    if before == now:
        return False
    if before is not None and before[:1] != now[:1]:
        _measure_anew(workspace, say)
    with workspace.catalog.write() as tx:
        if before is not None:
            tx.contents.forget_matching()
        tx.meta.put(PROPOSED_WITH, json.dumps(now))
    if before is not None:
        say("the model or its threshold changed: candidates are proposed again")
    return before is not None


def _measure_anew(workspace: Workspace, say: Say) -> None:
    changed = update_cosines(workspace.catalog, workspace.model_id, thresholds_of(workspace.config))
    if changed:
        say(f"the model changed: {changed:,} pairs were judged differently by its vectors")


def _judge_again_if_asked(workspace: Workspace, say: Say) -> bool:
    """Returns whether contents that had been compared must be compared again."""
    thresholds = thresholds_of(workspace.config)
    now = {"rules": RULES, **thresholds.model_dump()}
    before = _kept(workspace.catalog, JUDGED_WITH)
    if before == now:
        return False
    changed = again = 0
    if before is not None:
        again = prove_again(workspace.catalog, thresholds)
        changed = rejudge(workspace.catalog, thresholds)
    with workspace.catalog.write() as tx:
        tx.meta.put(JUDGED_WITH, json.dumps(now, sort_keys=True))
    if changed:
        say(f"the thresholds changed: {changed:,} pairs were judged differently by their stored evidence")
    if again:
        say(f"the rules changed: {again:,} pairs must be verified again from their files")
    return again > 0


def _kept(catalog: Catalog, key: str) -> Any:
    with catalog.read() as tx:
        return tx.meta.document(key)
