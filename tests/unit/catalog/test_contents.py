from __future__ import annotations

import numpy as np
import pytest
from builders import add_file, make_digest, make_fingerprint, make_identity, make_pair

from dedupctl.catalog import chunked
from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Content, PictureFacts, Root
from dedupctl.errors import StoreError


def test_a_content_comes_back_as_decoded(catalog: Catalog) -> None:
    facts = PictureFacts("HEIF", 4032, 3024, 6, "2024-05-17T08:30:00", "Löwe K2", 41, True)
    fingerprint = make_fingerprint("a", size=2**40, facts=facts, stream_digest=b"stream", flat=True)
    with catalog.write() as tx:
        (content_id,) = tx.contents.add([fingerprint])

    with catalog.read() as tx:
        assert tx.contents.get([content_id, 999]) == {
            content_id: Content(content_id, fingerprint.digest, 2**40, facts, b"stream", True, fingerprint.digest[:8])
        }
        assert tx.contents.hash_of([content_id], "phash8") == {content_id: fingerprint.digest * 2}


def test_nothing_decoded_is_nothing_added(catalog: Catalog) -> None:
    with catalog.write() as tx:
        assert tx.contents.add([]) == []
        tx.contents.mark_matched([], at=1)
        assert tx.contents.get([]) == {}


def test_ids_are_given_in_order_and_never_again(catalog: Catalog) -> None:
    with catalog.write() as tx:
        assert tx.contents.add([make_fingerprint("a"), make_fingerprint("b")]) == [1, 2]
        tx.contents.forget_unheld()
        assert tx.contents.count() == 0

    with catalog.write() as tx:
        assert tx.contents.add([make_fingerprint("c")]) == [3]


def test_a_digest_is_one_content(catalog: Catalog) -> None:
    with pytest.raises(StoreError, match="UNIQUE"), catalog.write() as tx:
        tx.contents.add([make_fingerprint("a"), make_fingerprint("a")])


def test_contents_are_found_by_digest(catalog: Catalog) -> None:
    with catalog.write() as tx:
        a, b = tx.contents.add([make_fingerprint("a"), make_fingerprint("b")])

        assert tx.contents.id_of(make_digest("a")) == a
        assert tx.contents.id_of(make_digest("c")) is None
        assert tx.contents.ids_of([make_digest(name) for name in "abc"]) == {make_digest("a"): a, make_digest("b"): b}


def test_get_takes_more_ids_than_one_statement(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "MAX_VARIABLES", 2)
    with catalog.write() as tx:
        ids = tx.contents.add([make_fingerprint(str(number)) for number in range(5)])

        assert sorted(tx.contents.get(ids)) == ids


def test_a_new_content_waits_to_be_matched(catalog: Catalog) -> None:
    with catalog.write() as tx:
        ids = tx.contents.add([make_fingerprint(name) for name in "abcd"])
        assert tx.contents.unmatched(limit=3) == ids[:3]
        assert tx.contents.unmatched(limit=3, above=ids[1]) == ids[2:]
        tx.contents.mark_matched([ids[0], ids[2]], at=1)

    with catalog.write() as tx:
        assert tx.contents.unmatched(limit=9) == [ids[1], ids[3]]
        assert tx.contents.count_unmatched() == 2
        tx.contents.forget_matching()
        assert tx.contents.unmatched(limit=9) == ids


def test_the_same_image_stream_makes_twins(catalog: Catalog) -> None:
    streams = [b"one", b"one", b"two", None, None]
    with catalog.write() as tx:
        ids = tx.contents.add(
            [make_fingerprint(str(number), stream_digest=stream) for number, stream in enumerate(streams)]
        )
        a, b, c, d, _ = ids

        assert tx.contents.sharing_stream([a, c, d]) == {a: {a, b}, c: {c}, d: {d}}
        assert tx.contents.with_stream(b"one") == {a, b}
        assert tx.contents.with_stream(b"none") == set()


def test_hashes_are_those_of_pictures_that_say_something(catalog: Catalog) -> None:
    with catalog.write() as tx:
        a, _, c = tx.contents.add([make_fingerprint("a"), make_fingerprint("blank", flat=True), make_fingerprint("c")])
        ids, bits = tx.contents.hashes("phash")
        later, _ = tx.contents.hashes("phash", above=a)
        none, no_bits = tx.contents.hashes("phash", above=c)

    assert list(ids) == [a, c]
    assert [int(value) for value in bits] == [int.from_bytes(make_digest(name)[:8], "big") for name in "ac"]
    assert bits.dtype == np.uint64
    assert list(later) == [c]
    assert (len(none), len(no_bits)) == (0, 0)


def test_contents_no_file_holds_are_forgotten_with_all_that_hangs_on_them(catalog: Catalog, root: Root) -> None:
    held, left, unheld = (make_fingerprint(name) for name in ("held", "left", "unheld"))
    with catalog.write() as tx:
        ids = tx.contents.add([held, left, unheld])
        model_id = tx.embeddings.model_id("model", 8)
        tx.embeddings.add(model_id, {ids[0]: held.vectors, ids[2]: unheld.vectors})
        tx.pairs.put([make_pair(ids[0], ids[1]), make_pair(ids[0], ids[2])])
        add_file(tx, root, b"held.jpg", ids[0], make_identity(1))
        tx.files.mark_gone([add_file(tx, root, b"left.jpg", ids[1], make_identity(2))], at=1)

        assert tx.contents.forget_unheld() == 1

    with catalog.read() as tx:
        assert sorted(tx.contents.get(ids)) == ids[:2]
        assert tx.embeddings.of_contents(model_id, ids).keys() == {ids[0]}
        assert [(pair.a, pair.b) for pair in tx.pairs.all()] == [(ids[0], ids[1])]
    assert catalog.integrity() == []
