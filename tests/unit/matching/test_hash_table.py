from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupctl.matching import hash_table
from dedupctl.matching.hash_table import HashTable, closest_distance

REACH = 8
EVERYTHING = 2**62


def packed(hashes: np.ndarray) -> bytes:
    return hashes.astype(">u8").tobytes()


def random_hashes(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def filled(bits: np.ndarray) -> HashTable:
    table = HashTable()
    table.extend(np.arange(1, len(bits) + 1), bits)
    return table


def by_comparing_all(bits: np.ndarray, variants: np.ndarray, reach: int) -> dict[int, int]:
    distances = np.bitwise_count(bits[:, np.newaxis] ^ variants).min(axis=1)
    return {int(place) + 1: int(distances[place]) for place in np.flatnonzero(distances <= reach)}


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables are searched as large ones are."""
    monkeypatch.setattr(hash_table, "WHOLE", 0)


@pytest.mark.usefixtures("looked_up")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 63), max_size=12, unique=True), st.integers(0, 7))
def test_a_large_table_finds_what_comparing_all_finds(seed: int, flips: list[int], variant: int) -> None:
    bits, variants = random_hashes(seed, 500), random_hashes(seed + 1, 8)
    variants[variant] = bits[17] ^ np.uint64(sum(1 << flip for flip in flips))
    found = filled(bits).within(packed(variants), REACH, EVERYTHING, most=1000)
    assert found == by_comparing_all(bits, variants, REACH)
    assert (18 in found) == (len(flips) <= REACH)


@pytest.mark.usefixtures("looked_up")
def test_hashes_added_since_the_tables_were_made_are_found_too() -> None:
    bits = random_hashes(1, 1000)
    table = filled(bits[:950])
    table.extend(np.arange(951, 1001), bits[950:])
    assert table.within(packed(np.repeat(bits[990], 8)), REACH, EVERYTHING, most=10) == {991: 0}
    assert table.within(packed(np.repeat(bits[10], 8)), REACH, EVERYTHING, most=10) == {11: 0}


@pytest.mark.usefixtures("looked_up")
def test_only_contents_of_smaller_id_are_found() -> None:
    bits = np.repeat(random_hashes(2, 1), 20)
    assert set(filled(bits).within(packed(bits[:8]), REACH, below=6, most=100)) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("whole", [0, 10**9])
def test_of_too_many_the_nearest_and_then_the_oldest_are_kept(monkeypatch: pytest.MonkeyPatch, whole: int) -> None:
    monkeypatch.setattr(hash_table, "WHOLE", whole)
    bits = np.repeat(random_hashes(3, 1), 30)
    bits[:10] ^= np.uint64(1)
    found = filled(bits).within(packed(np.repeat(bits[20], 8)), REACH, EVERYTHING, most=22)
    assert found == {**dict.fromkeys(range(11, 31), 0), 1: 1, 2: 1}


def test_a_distance_is_that_of_the_nearest_orientation() -> None:
    bits = random_hashes(4, 9)
    variants = bits[1:].copy()
    variants[5] = bits[0] ^ np.uint64(0b111)
    assert filled(bits).distance(1, packed(variants)) == 3
    assert closest_distance(packed(bits[:1]), packed(variants)) == 3


def test_a_reach_that_the_tables_would_not_serve_is_refused() -> None:
    with pytest.raises(AssertionError):
        HashTable().within(bytes(64), 12, EVERYTHING, most=1)
