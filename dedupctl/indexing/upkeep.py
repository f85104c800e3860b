"""After a change of settings: what is stored is brought in line with them, without opening the originals again.

Another model: every content gets a vector of it, from its thumbnail. Another model or a wider net: everything is
proposed anew; what was proven stays proven. Other thresholds: stored evidence is judged again.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Unreadable
from dedupctl.indexing.workers import Workers
from dedupctl.matching.matcher import rejudge
from dedupctl.matching.score import thresholds_of
from dedupctl.workspace import Workspace

PROPOSED_WITH = "proposed_with"
"""Meta key: model and cosine with which all matched contents were proposed."""
JUDGED_WITH = "judged_with"
"""Meta key: thresholds with which all pairs were judged."""
PICTURES_A_BATCH = 64

Say = Callable[[str], None]


def keep_up(workspace: Workspace, workers: Workers, say: Say, is_stopped: Callable[[], bool]) -> None:
    """Bring the catalog in line with the configuration. Opened before the index, which then holds every new vector.

    Stopped early, it goes on at the next start.
    """
    _embed_missing(workspace, workers, say, is_stopped)
    if is_stopped():
        return
    _propose_anew_if_asked(workspace, say)
    _judge_again_if_asked(workspace, say)


def _embed_missing(workspace: Workspace, workers: Workers, say: Say, is_stopped: Callable[[], bool]) -> None:
    with workspace.catalog.read() as tx:
        missing = list(tx.embeddings.missing(workspace.model_id))
    if missing:
        say(f"another model: embedding {len(missing):,} pictures anew, from their thumbnails")
    for start in range(0, len(missing), PICTURES_A_BATCH):
        if is_stopped():
            return
        _embed(workspace, workers, missing[start : start + PICTURES_A_BATCH])


def _embed(workspace: Workspace, workers: Workers, content_ids: list[int]) -> None:
    with workspace.catalog.read() as tx:
        contents = tx.contents.get(content_ids)
    thumbnails = workspace.thumbs.get([content.digest for content in contents.values()])
    pictures = {
        content_id: thumbnails[content.digest]
        for content_id, content in contents.items()
        if content.digest in thumbnails
    }
    answers = workers.embed(list(pictures.values())).result().results
    vectors = {
        content_id: answer
        for content_id, answer in zip(pictures, answers, strict=True)
        if not isinstance(answer, Unreadable)
    }
    with workspace.catalog.write() as tx:
        tx.embeddings.add(workspace.model_id, vectors)


def _propose_anew_if_asked(workspace: Workspace, say: Say) -> None:
    now = json.dumps([workspace.model.key, workspace.config.model.propose_cosine])
    before = _meta(workspace.catalog, PROPOSED_WITH)
    if before == now:
        return
    with workspace.catalog.write() as tx:
        if before is not None:
            tx.contents.forget_matching()
        tx.meta.put(PROPOSED_WITH, now)
    if before is not None:
        say("another model or net: candidates are proposed anew")


def _judge_again_if_asked(workspace: Workspace, say: Say) -> None:
    thresholds = thresholds_of(workspace.config)
    now = json.dumps(thresholds.model_dump(), sort_keys=True)
    before = _meta(workspace.catalog, JUDGED_WITH)
    if before == now:
        return
    changed = rejudge(workspace.catalog, thresholds) if before is not None else 0
    with workspace.catalog.write() as tx:
        tx.meta.put(JUDGED_WITH, now)
    if changed:
        say(f"other thresholds: {changed:,} pairs were judged otherwise by their stored evidence")


def _meta(catalog: Catalog, key: str) -> str | None:
    with catalog.read() as tx:
        return tx.meta.get(key)
