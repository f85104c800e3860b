"""All perceptual hashes in memory, searched exactly: which contents lie within a few bits of one of eight hashes?

Small tables are compared whole. Large ones are searched by multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012):
of two hashes within eleven bits, one of four interleaved 16-bit words differs in two bits at the most, so only the
contents under the 137 words that near in each of four tables need be compared.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from dedupctl.catalog.catalog import Transaction

Hashes = npt.NDArray[np.uint64]

TABLES, WORD_BITS = 4, 16
_FLIPS = 2
"""Bits of one word that are tried: exact up to TABLES * (_FLIPS + 1) - 1 bits."""
WHOLE = 100_000
"""Hashes up to which comparing all of them is as quick as looking them up."""
_REBUILT_AT = 8
"""The tables are made anew once an eighth of all hashes lies outside them."""


class HashTable:
    """pHashes by content id; 16 bytes a content, 32 more once there are many."""

    def __init__(self) -> None:
        self.ids: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._bits: Hashes = np.empty(0, np.uint64)
        self._words = _WordTables(self._bits)

    def __len__(self) -> int:
        return len(self.ids)

    def refresh(self, tx: Transaction) -> None:
        """Take in the contents added since the last call."""
        above = int(self.ids[-1]) if len(self.ids) else 0
        self.extend(*tx.contents.hashes("phash", above=above))

    def extend(self, ids: npt.NDArray[np.int64], bits: Hashes) -> None:
        """Add hashes of contents whose ids are larger than all that are there, ascending."""
        if not len(ids):
            return
        self.ids = np.concatenate([self.ids, ids])
        self._bits = np.concatenate([self._bits, bits])
        outside = len(self._bits) - self._words.count
        if len(self._bits) > WHOLE and outside * _REBUILT_AT > len(self._bits):
            self._words = _WordTables(self._bits)

    def within(self, orientations: bytes, reach: int, below: int, most: int) -> dict[int, int]:
        """Contents with an id under `below` whose hash is at most `reach` bits from one of these eight hashes.

        Returns the distance by content id; of more than `most`, the nearest, and of equally near ones the oldest.

        Args:
            orientations: the eight hashes packed, 8 bytes each.
            reach: at most 11 bits.
        """
        assert reach < TABLES * (_FLIPS + 1), "the tables would miss some"
        end = int(np.searchsorted(self.ids, below))
        variants = _unpacked(orientations)
        looked_up = self._words.near(variants, reach)
        first = min(self._words.count, end)
        compared = first + np.flatnonzero(_distances(self._bits[first:end], variants) <= reach)
        places = np.concatenate([looked_up[: np.searchsorted(looked_up, end)], compared])
        distances = _distances(self._bits[places], variants)
        if len(places) > most:
            nearest = np.argsort(distances, kind="stable")[:most]
            places, distances = places[nearest], distances[nearest]
        return dict(zip(self.ids[places].tolist(), distances.tolist(), strict=True))

    def distance(self, content_id: int, orientations: bytes) -> int:
        """Smallest distance of one known content's hash from these eight."""
        place = int(np.searchsorted(self.ids, content_id))
        return int(_distances(self._bits[place : place + 1], _unpacked(orientations))[0])


def closest_distance(canonical: bytes, orientations: bytes) -> int:
    """Smallest distance, in bits, of one hash (8 bytes) from eight packed ones."""
    return int(_distances(_unpacked(canonical), _unpacked(orientations))[0])


class _WordTables:
    """For each of four words of a hash: all hashes and their places, in order of that word."""

    def __init__(self, bits: Hashes) -> None:
        self.count = len(bits)
        self._tables = [_table(bits, table) for table in range(TABLES if self.count else 0)]

    def near(self, variants: Hashes, reach: int) -> npt.NDArray[np.int64]:
        """Places of all hashes within `reach` bits of one of `variants`, ascending."""
        found = [np.empty(0, np.int64)]
        for table, (bits, places, starts) in enumerate(self._tables):
            words = _word(variants, table)[:, np.newaxis] ^ _MASKS
            lengths = (starts[words + 1] - starts[words]).sum(axis=1)
            inside = _ranges(starts[words].ravel(), starts[words + 1].ravel())
            # Each stretch is compared with the one variant that led there: eight times less than with all.
            close = np.bitwise_count(bits[inside] ^ np.repeat(variants, lengths)) <= reach
            found.append(places[inside[close]].astype(np.int64))
        return np.unique(np.concatenate(found))


_Table = tuple[Hashes, npt.NDArray[np.int32], npt.NDArray[np.int32]]
"""Hashes in order of a word, their places, and where each word begins."""


def _table(bits: Hashes, table: int) -> _Table:
    words = _word(bits, table)
    places = np.argsort(words, kind="stable").astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=1 << WORD_BITS))])
    return bits[places], places, starts.astype(np.int32)


def _masks() -> npt.NDArray[np.int64]:
    """All words with at most `_FLIPS` bits set."""
    chosen = [flips for count in range(_FLIPS + 1) for flips in combinations(range(WORD_BITS), count)]
    return np.array([sum(1 << bit for bit in flips) for flips in chosen], np.int64)


_MASKS = _masks()


def _word(bits: Hashes, table: int) -> npt.NDArray[np.int64]:
    """Every fourth bit, beginning with bit `table`: neighbouring bits of a pHash are alike, and full words uneven."""
    word = np.zeros(len(bits), np.uint64)
    for position in range(WORD_BITS):
        word |= ((bits >> np.uint64(TABLES * position + table)) & np.uint64(1)) << np.uint64(position)
    return word.astype(np.int64)


def _ranges(starts: npt.NDArray[np.int32], ends: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The numbers from each start up to its end, one range after the other."""
    lengths = (ends - starts).astype(np.int64)
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths), np.int64)


def _unpacked(hashes: bytes) -> Hashes:
    return np.frombuffer(hashes, ">u8").astype(np.uint64)


def _distances(bits: Hashes, variants: Hashes) -> npt.NDArray[np.uint8]:
    nearest = np.full(len(bits), 64, np.uint8)
    for variant in variants:
        np.minimum(nearest, np.bitwise_count(bits ^ variant), out=nearest)
    return nearest
