from __future__ import annotations

import pytest
from builders import add_file, make_digest, make_fingerprint, make_identity, make_pair

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.domain import PairKind, Root, Verdict
from dedupctl.errors import StoreError


@pytest.fixture
def contents(catalog: Catalog, root: Root) -> list[int]:
    """Four contents with a file each; the last three are known by an import only."""
    with catalog.write() as tx:
        ids = tx.contents.add([make_fingerprint(name) for name in "abcd"])
        tx.imported.mark(ids[1:])
        for name, content_id in zip(b"abcd", ids, strict=True):
            add_file(tx, root, bytes([name]), content_id, make_identity(content_id))
    return ids


def to_read(tx: Transaction) -> set[bytes]:
    return {located.path for located in tx.imported.to_read()}


def test_what_was_imported_is_told_from_what_was_read(catalog: Catalog, contents: list[int]) -> None:
    with catalog.read() as tx:
        assert tx.imported.among(contents) == set(contents[1:])
        assert tx.imported.among([]) == set()


def test_only_claims_on_which_a_removal_could_rest_are_read(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, d = contents
    with catalog.write() as tx:
        assert to_read(tx) == set()
        tx.pairs.put([make_pair(a, b, PairKind.PIXEL), make_pair(a, c, PairKind.SIMILAR), make_pair(a, d, None)])
        assert to_read(tx) == {b"/photos/b"}
        tx.verdicts.put(make_digest("a"), make_digest("d"), Verdict.SAME, at=1)
        tx.verdicts.put(make_digest("a"), make_digest("c"), Verdict.DIFFERENT, at=1)
        assert to_read(tx) == {b"/photos/b", b"/photos/d"}
        assert [tx.imported.must_be_read(one) for one in contents] == [False, True, False, True]


def test_what_was_read_takes_the_place_of_the_claim(catalog: Catalog, contents: list[int]) -> None:
    a, b, c, _ = contents
    with catalog.write() as tx:
        tx.pairs.put([make_pair(a, b), make_pair(b, c)])
        tx.imported.withdraw([b])
        (seen,) = tx.contents.add([make_fingerprint("b")])
        tx.imported.hand_over({b: seen})

    with catalog.read() as tx:
        assert [located.path for located in tx.files.of_contents([seen])] == [b"/photos/b"]
        assert list(tx.pairs.all()) == []
        assert tx.imported.among([b, seen]) == set()
        assert seen in tx.contents.unmatched(10)
    assert catalog.integrity() == []


def test_a_claim_is_not_withdrawn_from_under_its_files(catalog: Catalog, contents: list[int]) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"), catalog.write() as tx:
        tx.imported.withdraw([contents[1]])

    with catalog.read() as tx:
        assert set(tx.contents.get(contents)) == set(contents)
