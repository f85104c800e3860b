"""Pairs between files: what `export pairs` writes and `compare` shows. Streamed, because they can be many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Evidence, PairKind
from dedupctl.matching.accepted import accepted_pairs
from dedupctl.paths import lies_in


@dataclass(frozen=True, slots=True)
class FilePair:
    """Two present files and the pair of their contents."""

    a: LocatedFile
    b: LocatedFile
    kind: PairKind
    score: float
    evidence: Evidence


def file_pairs(tx: Transaction, kinds: Collection[PairKind]) -> Iterator[FilePair]:
    """Every two present files whose contents form an accepted pair of these kinds.

    Two hard links are one file under two names, not a pair.
    """
    if PairKind.EXACT in kinds:
        for files in _holders(tx, tx.files.shared_contents()).values():
            for a, b in combinations(files, 2):
                if a.file.identity[:2] != b.file.identity[:2]:
                    yield FilePair(a, b, PairKind.EXACT, 1.0, Evidence(method="bytes"))
    accepted = accepted_pairs(tx, kinds)
    holders = _holders(tx, {content_id for pair in accepted for content_id in (pair.a, pair.b)})
    for pair in accepted:
        assert pair.kind is not None
        for a, b in product(holders.get(pair.a, ()), holders.get(pair.b, ())):
            yield FilePair(a, b, pair.kind, pair.score, pair.evidence)


def pairs_across(tx: Transaction, folder_a: bytes, folder_b: bytes, kinds: Collection[PairKind]) -> Iterator[FilePair]:
    """Pairs with one file under each folder; the one under `folder_a` comes first."""
    for pair in file_pairs(tx, kinds):
        if lies_in(pair.a.path, folder_a) and lies_in(pair.b.path, folder_b):
            yield pair
        elif lies_in(pair.b.path, folder_a) and lies_in(pair.a.path, folder_b):
            yield FilePair(pair.b, pair.a, pair.kind, pair.score, pair.evidence)


def _holders(tx: Transaction, content_ids: Collection[int]) -> dict[int, list[LocatedFile]]:
    holders: defaultdict[int, list[LocatedFile]] = defaultdict(list)
    for located in tx.files.of_contents(content_ids):
        if located.file.content_id is not None:
            holders[located.file.content_id].append(located)
    return holders
