"""The map of the library: which pictures are on it, where, of which kind, and what connects them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.map_points import PointArray
from dedupctl.domain import Cluster, PairKind
from dedupctl.report.formats import csv_line
from dedupctl.report.projection import Steps, project
from dedupctl.report.wording import counted, folder_and_name

MAP_LIMIT = 20_000
"""A library up to this size is mapped whole; of a larger one, the clustered pictures and a sample."""
SAMPLE_SHARE = 10
"""However many pictures are clustered, a tenth of the limit is left for pictures around them."""
CSV_HEADER = ("folder", "name", "x", "y", "kind", "cluster")


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One picture on the map. `kind` is None if nothing else is like it."""

    content_id: int
    digest: bytes
    path: bytes
    """Absolute path of the first file with this content."""
    kind: PairKind | None
    cluster: int | None


@dataclass(frozen=True, slots=True)
class PictureMap:
    points: Sequence[MapPoint]
    places: PointArray
    """Shape (n, 2), in the order of `points`."""
    edges: Sequence[tuple[int, int, PairKind]]
    """(keeper, member, kind) as positions in `points`; a line is drawn for each."""
    note: str
    """Which pictures are on it, in words."""


@dataclass(frozen=True, slots=True)
class _Ties:
    """What the clusters say about each content."""

    kinds: Mapping[int, PairKind]
    clusters: Mapping[int, int]
    edges: Sequence[tuple[int, int, PairKind]]
    """(keeper, member, kind) as content ids."""


def make_map(
    catalog: Catalog,
    model_id: int,
    clusters: Sequence[Cluster],
    similar: Sequence[Cluster] = (),
    *,
    limit: int = MAP_LIMIT,
    steps: Steps = lambda _done, _total: None,
) -> PictureMap:
    """Lay out the pictures and remember their places for the next map. Empty if no picture has an embedding."""
    ties = _ties([*clusters, *similar])
    with catalog.read() as tx:
        mappable = tx.map_points.mappable(model_id)
        chosen = _chosen(mappable, ties.kinds.keys(), limit)
        vectors = tx.map_points.vectors(model_id, chosen)
        known = tx.map_points.of(model_id, chosen)
        points = _points(tx, chosen, ties)
    places = project(chosen, vectors, known, steps)
    with catalog.write() as tx:
        tx.map_points.put(model_id, chosen, places)
    position = {point.content_id: place for place, point in enumerate(points)}
    edges = [
        (position[keeper], position[member], kind)
        for keeper, member, kind in ties.edges
        if keeper in position and member in position
    ]
    return PictureMap(
        points, places, edges, _note(len(chosen), len(mappable), len(ties.kinds.keys() & position.keys()))
    )


def map_csv(drawn: PictureMap) -> Iterator[str]:
    """One row per picture: its place, kind and cluster."""
    yield csv_line(CSV_HEADER)
    for point, (x, y) in zip(drawn.points, drawn.places, strict=True):
        kind = "" if point.kind is None else point.kind.value
        cluster = "" if point.cluster is None else point.cluster
        yield csv_line((*folder_and_name(point.path), round(float(x), 4), round(float(y), 4), kind, cluster))


def _chosen(mappable: Sequence[int], clustered: Collection[int], limit: int) -> list[int]:
    """All, or the clustered ones and the first others. The order is by digest, so they are a fair and stable sample."""
    if len(mappable) <= limit:
        return list(mappable)
    kept = set(clustered)
    inside = [content_id for content_id in mappable if content_id in kept]
    others = [content_id for content_id in mappable if content_id not in kept]
    return inside + others[: max(limit - len(inside), limit // SAMPLE_SHARE)]


def _ties(clusters: Sequence[Cluster]) -> _Ties:
    """A content in several clusters (a duplicate that is also similar to another) keeps the first, stronger one."""
    kinds: dict[int, PairKind] = {}
    cluster_of: dict[int, int] = {}
    edges: dict[tuple[int, int], PairKind] = {}
    for cluster in clusters:
        keeper = cluster.keeper.content.id
        for member in cluster.members:
            content_id = member.content.id
            kinds.setdefault(content_id, cluster.kind if content_id == keeper else member.kind)
            cluster_of.setdefault(content_id, cluster.id)
            if content_id != keeper:
                edges.setdefault((keeper, content_id), member.kind)
    return _Ties(kinds, cluster_of, [(keeper, member, kind) for (keeper, member), kind in edges.items()])


def _points(tx: Transaction, chosen: Sequence[int], ties: _Ties) -> list[MapPoint]:
    paths: dict[int, bytes] = {}
    for located in tx.files.of_contents(chosen):
        assert located.file.content_id is not None
        known = paths.get(located.file.content_id)
        paths[located.file.content_id] = located.path if known is None else min(known, located.path)
    contents = tx.contents.get(chosen)
    return [
        MapPoint(
            content_id,
            contents[content_id].digest,
            paths[content_id],
            ties.kinds.get(content_id),
            ties.clusters.get(content_id),
        )
        for content_id in chosen
    ]


def _note(shown: int, mappable: int, clustered: int) -> str:
    if shown == mappable:
        return f"All {counted(shown, 'picture')}; those that look alike are close together."
    others = counted(shown - clustered, "other")
    return (
        f"{counted(clustered, 'clustered picture')} and a sample of {others} out of {mappable - clustered:,};"
        " those that look alike are close together."
    )


def curve_order(places: PointArray) -> list[int]:
    """Positions along a Hilbert curve over the map, so that neighbours on the map are neighbours in the order."""
    if not len(places):
        return []
    low, high = places.min(axis=0), places.max(axis=0)
    cells = ((places - low) / np.maximum(high - low, 1e-9) * 255).astype(np.int64)
    return sorted(range(len(places)), key=lambda place: _along_hilbert(int(cells[place, 0]), int(cells[place, 1])))


def _along_hilbert(x: int, y: int, side: int = 256) -> int:
    """Distance of the cell (x, y) along the Hilbert curve that fills a square of `side` cells (Wikipedia, `xy2d`)."""
    distance = 0
    step = side // 2
    while step:
        right, upper = int(x & step > 0), int(y & step > 0)
        distance += step * step * ((3 * right) ^ upper)
        if not upper:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        step //= 2
    return distance
