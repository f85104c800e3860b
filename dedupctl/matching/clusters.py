"""Clusters: from accepted pairs to groups of files with one keeper each. Derived at every call, never stored.

Chains are the classic way to lose a picture: A~B and B~C join A with C, C goes for A, and nothing like C is left. The
default linkage (`star`) therefore joins a content only to a keeper it has an accepted pair of its own with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Cluster, Member, Pair, PairKind
from dedupctl.matching.accepted import accepted_around, accepted_pairs
from dedupctl.matching.derivation import b_was_made
from dedupctl.matching.keeper import Preference, Standing, default_preference

DUPLICATE_KINDS = (PairKind.EXACT, PairKind.PIXEL, PairKind.NEAR)


class Linkage(StrEnum):
    """How pairs join contents into one cluster."""

    STAR = "star"
    """Every member has an accepted pair of its own with the keeper. The safe one."""
    COMPLETE = "complete"
    """Every two members have an accepted pair."""
    COMPONENTS = "components"
    """Whatever a chain of pairs connects; the weakest pair is named."""
    DBSCAN = "dbscan"
    """As components, but only contents with three or more pairs carry a chain on."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Accepted pairs of present contents, both ways round."""

    pairs: Mapping[int, Mapping[int, Pair]]

    def neighbours(self, content_id: int) -> Mapping[int, Pair]:
        return self.pairs.get(content_id, {})


def find_clusters(
    tx: Transaction,
    *,
    kinds: Collection[PairKind] = DUPLICATE_KINDS,
    linkage: Linkage = Linkage.STAR,
    preference: Preference = default_preference,
    among: Callable[[LocatedFile], bool] | None = None,
    around: Collection[int] | None = None,
) -> list[Cluster]:
    """All clusters of present files joined by accepted pairs of these kinds, largest saving first.

    With `among`, only files it is true for are looked at: clusters within one root, or across two folders. With
    `around`, only the clusters that these contents, and those they are tied to, are in: the same, without the rest.
    """
    accepted = accepted_pairs(tx, kinds) if around is None else accepted_around(tx, kinds, around)
    wanted = {content_id for pair in accepted for content_id in (pair.a, pair.b)}
    if PairKind.EXACT in kinds:
        wanted.update(tx.files.shared_contents() if around is None else around)
    holders = _holders(tx, wanted, among)
    # A picture whose files are gone must neither be preferred nor mark another as its crop.
    graph = _Graph(_both_ways(pair for pair in accepted if pair.a in holders and pair.b in holders))
    contents = tx.contents.get(holders.keys())
    standings = {
        content_id: sorted(
            (Standing(f.file, f.path, contents[content_id], _was_made(content_id, graph)) for f in files),
            key=preference,
        )
        for content_id, files in holders.items()
    }
    groups = _groups(standings, graph, linkage, preference)
    clusters = (_cluster(group, standings, graph) for group in groups)
    found = [cluster for cluster in clusters if len(_inodes(cluster.members)) > 1]
    return sorted(found, key=lambda cluster: (-cluster.reclaimable_bytes, cluster.id))


def _both_ways(pairs: Iterable[Pair]) -> dict[int, dict[int, Pair]]:
    both_ways: defaultdict[int, dict[int, Pair]] = defaultdict(dict)
    for pair in pairs:
        both_ways[pair.a][pair.b] = pair
        both_ways[pair.b][pair.a] = pair
    return dict(both_ways)


def _holders(
    tx: Transaction, content_ids: Collection[int], among: Callable[[LocatedFile], bool] | None
) -> dict[int, list[LocatedFile]]:
    holders: defaultdict[int, list[LocatedFile]] = defaultdict(list)
    for located in tx.files.of_contents(content_ids):
        assert located.file.content_id is not None
        if among is None or among(located):
            holders[located.file.content_id].append(located)
    return dict(holders)


def _was_made(content_id: int, graph: _Graph) -> bool:
    """A pair proves that this picture was made from another: a crop of it, or it in a frame."""
    return any(b_was_made(pair.evidence) is (content_id == pair.b) for pair in graph.neighbours(content_id).values())


def _groups(
    standings: Mapping[int, list[Standing]], graph: _Graph, linkage: Linkage, preference: Preference
) -> Iterator[list[int]]:
    """Groups of content ids, the keeper's first."""
    ranked = sorted(standings, key=lambda content_id: preference(standings[content_id][0]))
    if linkage in (Linkage.STAR, Linkage.COMPLETE):
        return _stars(ranked, graph, complete=linkage is Linkage.COMPLETE)
    return _chains(ranked, graph, carriers_need=3 if linkage is Linkage.DBSCAN else 1)


def _stars(ranked: Iterable[int], graph: _Graph, *, complete: bool) -> Iterator[list[int]]:
    """The best content takes its own neighbours, then the best of the rest, and so on."""
    order = list(ranked)
    position = {content_id: place for place, content_id in enumerate(order)}
    taken: set[int] = set()
    for keeper in order:
        if keeper in taken:
            continue
        group = [keeper]
        free = [other for other in graph.neighbours(keeper) if other not in taken]
        for other in sorted(free, key=position.__getitem__):
            if not complete or all(other in graph.neighbours(member) for member in group):
                group.append(other)
        taken.update(group)
        yield group


def _chains(ranked: Iterable[int], graph: _Graph, *, carriers_need: int) -> Iterator[list[int]]:
    """Connected components, where a content with fewer pairs than `carriers_need` joins but carries no chain on."""
    order = list(ranked)
    position = {content_id: place for place, content_id in enumerate(order)}
    taken: set[int] = set()
    for start in order:
        if start in taken:
            continue
        taken.add(start)
        group, waiting = [start], [start]
        while waiting:
            for other in graph.neighbours(waiting.pop()).keys() - taken:
                taken.add(other)
                group.append(other)
                if len(graph.neighbours(other)) >= carriers_need:
                    waiting.append(other)
        yield sorted(group, key=position.__getitem__)


def _cluster(group: list[int], standings: Mapping[int, list[Standing]], graph: _Graph) -> Cluster:
    members = [
        _member(standing, keeper_id=group[0], group=group, graph=graph)
        for content_id in group
        for standing in standings[content_id]
    ]
    kinds = [member.kind for member in members]
    return Cluster(
        id=min(group),
        kind=max(kinds, key=lambda kind: kind.strength),
        members=tuple(members),
        reclaimable_bytes=_reclaimable(members),
        weakest=None if all(member.proven for member in members) else _weakest_pair(group, graph),
    )


def _member(standing: Standing, *, keeper_id: int, group: Collection[int], graph: _Graph) -> Member:
    content_id = standing.content.id
    with_keeper = graph.neighbours(keeper_id).get(content_id)
    pair = with_keeper if with_keeper or content_id == keeper_id else _best_pair(content_id, group, graph)
    assert pair is None or pair.kind is not None
    return Member(
        file_id=standing.file.id,
        path=standing.path,
        root_id=standing.file.root_id,
        content=standing.content,
        identity=standing.file.identity,
        kind=PairKind.EXACT if pair is None or pair.kind is None else pair.kind,
        score=1.0 if pair is None else pair.score,
        evidence=None if pair is None else pair.evidence,
        proven=content_id == keeper_id or with_keeper is not None,
    )


def _best_pair(content_id: int, group: Collection[int], graph: _Graph) -> Pair:
    """What ties a content to the chain, where it has no pair with the keeper."""
    ties = [pair for other, pair in graph.neighbours(content_id).items() if other in group]
    return min(ties, key=lambda pair: (-pair.score, pair.a, pair.b))


def _weakest_pair(group: Collection[int], graph: _Graph) -> tuple[int, int] | None:
    inside = [
        pair
        for content_id in group
        for other, pair in graph.neighbours(content_id).items()
        if content_id < other and other in group
    ]
    weakest = min(inside, key=lambda pair: (pair.score, pair.a, pair.b), default=None)
    return None if weakest is None else (weakest.a, weakest.b)


def _reclaimable(members: Collection[Member]) -> int:
    """Bytes of all but the keeper. Hard links to one inode count once, those of the keeper not at all.

    Another shot frees nothing either: no rule ever removes it.
    """
    inodes = _inodes([member for member in members if member.kind is not PairKind.SIMILAR])
    keeper = next(iter(inodes))
    return sum(size for inode, size in inodes.items() if inode != keeper)


def _inodes(members: Collection[Member]) -> dict[tuple[int, int], int]:
    """Size by (device, inode), the keeper's first; links to one inode are one file under several names."""
    return {(member.identity.device, member.identity.inode): member.identity.size for member in members}
