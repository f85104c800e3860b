"""Comparisons that a cluster still lacks: its members were found through each other, and not all met the keeper.

Of many pictures that are alike only a few are compared (`screen`), and no net proposes every two copies of one
picture. A star needs a pair of each member with the keeper, so those that are missing are made up for: one for each
member, where comparing all with all would take the square of their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Cluster
from dedupctl.matching.clusters import DUPLICATE_KINDS, Linkage, find_clusters

STARS = 3
"""Keepers of one chain whose members are made up for. A time-lapse of 10,000 frames is one chain: beyond
the third star its frames stay with those they were compared with."""


def lacking_pairs(tx: Transaction, content_ids: Collection[int]) -> list[tuple[int, int]]:
    """(a, b) of contents that one star of copies around these contents would join, had they been compared.

    Once they are compared, ask again: where a member is no copy of the keeper, the next best takes its place.
    """
    chains = find_clusters(tx, kinds=DUPLICATE_KINDS, linkage=Linkage.COMPONENTS, around=content_ids)
    return [pair for chain in chains for pair in _lacking(tx, chain)]


def _lacking(tx: Transaction, chain: Cluster) -> Iterator[tuple[int, int]]:
    if all(member.proven for member in chain.members):
        return
    rest = list(dict.fromkeys(member.content.id for member in chain.members))
    joined = {(pair.a, pair.b) for pair in tx.pairs.of_contents(rest, DUPLICATE_KINDS)}
    for _ in range(STARS):
        keeper, *others = rest
        spokes = {other: (min(keeper, other), max(keeper, other)) for other in others}
        judged = tx.pairs.judged_among(spokes.values())
        lacking = [pair for pair in spokes.values() if pair not in judged]
        if lacking:
            yield from lacking
            return
        rest = [other for other in others if spokes[other] not in joined]
        if len(rest) < 2:
            return
