"""Clusters: groups of files joined by accepted pairs, with one keeper each. Computed at every call, never stored.

Chains are the classic way to lose a picture: A~B and B~C join A with C, C is removed for A, and nothing like C is left.
The default linkage (`star`) therefore joins a content only to a keeper with which it has an accepted pair of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Cluster, Content, Member, Pair, PairKind
from dedupctl.matching.accepted import accepted_around, accepted_pairs
from dedupctl.matching.derivation import b_was_made, generations, made_from
from dedupctl.matching.keeper import Contender, KeeperOrder

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
    """Like components, but only contents with three or more pairs continue a chain."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Accepted pairs of present contents, in both directions."""

    pairs: Mapping[int, Mapping[int, Pair]]

    def neighbours(self, content_id: int) -> Mapping[int, Pair]:
        return self.pairs.get(content_id, {})


def find_clusters(
    tx: Transaction,
    *,
    kinds: Collection[PairKind] = DUPLICATE_KINDS,
    linkage: Linkage = Linkage.STAR,
    order: KeeperOrder | None = None,
    among: Callable[[LocatedFile], bool] | None = None,
    around: Collection[int] | None = None,
) -> list[Cluster]:
    """All clusters of present files joined by accepted pairs of these kinds, largest saving first.

    The keeper of each is the first by `order`, by default the default rules without preferred folders.

    Args:
        among: only files for which it is true are considered: clusters within one root, or across two folders.
        around: only the clusters of these contents and of those connected with them are returned, unchanged.
    """
    order = order or KeeperOrder()
    accepted = accepted_pairs(tx, kinds) if around is None else accepted_around(tx, kinds, around)
    shared = set[int]()
    if PairKind.EXACT in kinds:
        shared.update(tx.files.shared_contents() if around is None else around)
    known = _pairs_that_tell(tx, kinds, accepted, shared | _ends(accepted))
    holders = _holders(tx, shared | _ends(known), among)
    # A picture whose files are gone must neither be preferred nor make another count as its crop.
    present = [pair for pair in known if pair.a in holders and pair.b in holders]
    contents = tx.contents.get(holders.keys())
    contenders = _contenders(holders, contents, present, order)
    joining = [pair for pair in present if pair.kind in kinds]
    graph = _Graph(_both_ways(joining))
    listed = {content_id: contenders[content_id] for content_id in (shared | _ends(joining)) & holders.keys()}
    groups = _groups(listed, graph, linkage, order)
    if PairKind.EXACT not in kinds:
        groups = (group for group in groups if len(group) > 1)
    clusters = (_cluster(group, contenders, graph, order, kinds) for group in groups)
    found = [cluster for cluster in clusters if len(_inodes(cluster.members)) > 1]
    return sorted(found, key=lambda cluster: (-cluster.reclaimable_bytes, cluster.id))


def _ends(pairs: Iterable[Pair]) -> set[int]:
    return {content_id for pair in pairs for content_id in (pair.a, pair.b)}


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


def _pairs_that_tell(
    tx: Transaction, kinds: Collection[PairKind], accepted: list[Pair], listed: Collection[int]
) -> list[Pair]:
    """The pairs that tell which copy was made from which: all proofs around what is listed, of whatever kind.

    So the keeper does not depend on the kinds listed. Nothing is proven about other shots, so nothing more is read for
    them.
    """
    proven = set(DUPLICATE_KINDS)
    if proven <= set(kinds) or proven.isdisjoint(kinds):
        return accepted
    return accepted_around(tx, proven | set(kinds), listed)


def _contenders(
    holders: Mapping[int, Collection[LocatedFile]],
    contents: Mapping[int, Content],
    pairs: Collection[Pair],
    order: KeeperOrder,
) -> dict[int, list[Contender]]:
    """The files of each content, best first by `order`."""
    sources: defaultdict[int, set[int]] = defaultdict(set)
    cropped: set[int] = set()
    for pair in pairs:
        made = made_from(pair.evidence, contents[pair.a], contents[pair.b])
        if made is not None:
            sources[pair.b if made else pair.a].add(pair.a if made else pair.b)
        by_geometry = b_was_made(pair.evidence)
        if by_geometry is not None:
            cropped.add(pair.b if by_geometry else pair.a)
    generation = generations(sources)
    return {
        content_id: sorted(
            (
                Contender(f.file, f.path, contents[content_id], generation.get(content_id, 0), content_id in cropped)
                for f in files
            ),
            key=order.key,
        )
        for content_id, files in holders.items()
    }


def _groups(
    contenders: Mapping[int, list[Contender]], graph: _Graph, linkage: Linkage, order: KeeperOrder
) -> Iterator[list[int]]:
    """Groups of content ids, the keeper's first."""
    ranked = sorted(contenders, key=lambda content_id: order.key(contenders[content_id][0]))
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
    """Connected components, where a content with fewer pairs than `carriers_need` joins but ends the chain."""
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


def _cluster(
    group: list[int],
    contenders: Mapping[int, list[Contender]],
    graph: _Graph,
    order: KeeperOrder,
    kinds: Collection[PairKind],
) -> Cluster:
    keeper = contenders[group[0]][0]
    members = [
        _member(contender, keeper=keeper, group=group, graph=graph, order=order)
        for content_id in group
        for contender in contenders[content_id]
    ]
    return Cluster(
        id=min(group),
        kind=max((member.kind for member in members), key=lambda kind: kind.strength),
        members=tuple(members),
        reclaimable_bytes=_reclaimable(members, kinds),
        weakest=None if all(member.proven for member in members) else _weakest_pair(group, graph),
    )


def _member(
    contender: Contender, *, keeper: Contender, group: Collection[int], graph: _Graph, order: KeeperOrder
) -> Member:
    content_id, keeper_id = contender.content.id, keeper.content.id
    with_keeper = graph.neighbours(keeper_id).get(content_id)
    pair = with_keeper if with_keeper or content_id == keeper_id else _best_pair(content_id, group, graph)
    assert pair is None or pair.kind is not None
    return Member(
        file_id=contender.file.id,
        path=contender.path,
        root_id=contender.file.root_id,
        content=contender.content,
        identity=contender.file.identity,
        kind=PairKind.EXACT if pair is None or pair.kind is None else pair.kind,
        score=1.0 if pair is None else pair.score,
        evidence=None if pair is None else pair.evidence,
        proven=content_id == keeper_id or with_keeper is not None,
        rule="" if contender is keeper else order.deciding(keeper, contender),
    )


def _best_pair(content_id: int, group: Collection[int], graph: _Graph) -> Pair:
    """The pair that ties a content to its chain, if it has none with the keeper."""
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


def _reclaimable(members: Sequence[Member], kinds: Collection[PairKind]) -> int:
    """Bytes of all members of these kinds except the keeper. Hard links to one inode count once, to the keeper's never.

    Another shot frees nothing: no rule ever removes it.
    """
    keeper, *others = members
    freed = _inodes([member for member in others if member.kind in kinds and member.kind is not PairKind.SIMILAR])
    return sum(size for inode, size in freed.items() if inode != keeper.identity[:2])


def _inodes(members: Collection[Member]) -> dict[tuple[int, int], int]:
    """Size by (device, inode); links to one inode are one file under several names."""
    return {(member.identity.device, member.identity.inode): member.identity.size for member in members}
