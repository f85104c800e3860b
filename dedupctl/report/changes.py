"""What has changed since the last report: each report is remembered, and the next one compares itself with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import Cluster

_META_KEY = "last_report"


@dataclass(frozen=True, slots=True)
class Changes:
    """Counts since the report written at `since` (seconds since 1970)."""

    since: int
    new_files: int
    gone_files: int
    new_clusters: int
    """Clusters with no picture that was in a cluster then."""
    grown_clusters: int
    """Clusters with pictures that were in a cluster then and pictures that were in none."""
    resolved_clusters: int
    """Former clusters with no picture that is in a cluster now."""
    reclaimable_before: int
    reclaimable_now: int
    new_cluster_ids: frozenset[int] = frozenset()

    @property
    def nothing(self) -> bool:
        counts = (self.new_files, self.gone_files, self.new_clusters, self.grown_clusters, self.resolved_clusters)
        return not any(counts) and self.reclaimable_before == self.reclaimable_now


def changes_since_last_report(tx: Transaction, clusters: Iterable[Cluster]) -> Changes | None:
    """What has changed; None if no report was written yet."""
    last = tx.meta.document(_META_KEY)
    if last is None:
        return None
    before = tx.reported_contents.clusters()
    new, grown, reclaimable = set(), 0, 0
    still_clustered: set[int] = set()
    for cluster in clusters:
        contents = {member.content.id for member in cluster.members}
        known = contents & before.keys()
        still_clustered |= known
        reclaimable += cluster.reclaimable_bytes
        if not known:
            new.add(cluster.id)
        elif known != contents:
            grown += 1
    remaining = {before[content_id] for content_id in still_clustered}
    came, went = tx.reported_contents.came_and_went(last["newest_file"], last["written_at"])
    return Changes(
        since=last["written_at"],
        new_files=came,
        gone_files=went,
        new_clusters=len(new),
        grown_clusters=grown,
        resolved_clusters=len(set(before.values()) - remaining),
        reclaimable_before=last["reclaimable_bytes"],
        reclaimable_now=reclaimable,
        new_cluster_ids=frozenset(new),
    )


def remember_report(catalog: Catalog, clusters: Iterable[Cluster], written_at: int) -> None:
    """Remember what this report showed, in place of the one before it."""
    cluster_of: dict[int, int] = {}
    reclaimable = 0
    for cluster in clusters:
        reclaimable += cluster.reclaimable_bytes
        cluster_of |= {member.content.id: cluster.id for member in cluster.members}
    with catalog.write() as tx:
        tx.reported_contents.remember(cluster_of)
        last = {
            "written_at": written_at,
            "newest_file": tx.reported_contents.newest_file(),
            "reclaimable_bytes": reclaimable,
        }
        tx.meta.put(_META_KEY, json.dumps(last))
