from __future__ import annotations

import numpy as np
import pytest
from builders import make_fingerprint

from dedupctl.catalog import chunked
from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import FloatArray


def unit(seed: int, parts: int = 1, dim: int = 128) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((parts, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture
def model_id(catalog: Catalog) -> int:
    with catalog.write() as tx:
        return tx.embeddings.model_id("model", 128)


@pytest.fixture
def contents(catalog: Catalog) -> list[int]:
    with catalog.write() as tx:
        return tx.contents.add([make_fingerprint(name) for name in "abc"])


def test_a_model_is_known_by_its_key(catalog: Catalog, model_id: int) -> None:
    with catalog.write() as tx:
        assert tx.embeddings.known_model("model") == model_id
        assert tx.embeddings.known_model("another") is None
        assert tx.embeddings.model_id("model", 128) == model_id
        assert tx.embeddings.model_id("another", 128) != model_id


def test_a_vector_comes_back_almost_as_it_was(catalog: Catalog, model_id: int, contents: list[int]) -> None:
    vectors = {content_id: unit(content_id, parts=3) for content_id in contents}
    with catalog.write() as tx:
        labels = tx.embeddings.add(model_id, vectors)

    with catalog.read() as tx:
        found = tx.embeddings.vectors(labels)
    cosines = (found * np.concatenate(list(vectors.values()))).sum(axis=1)
    assert found.dtype == np.float32
    assert cosines.min() > 0.99999
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)


def test_vectors_come_in_the_order_asked_for(catalog: Catalog, model_id: int, contents: list[int]) -> None:
    with catalog.write() as tx:
        labels = tx.embeddings.add(model_id, {content_id: unit(content_id) for content_id in contents})
        forth, back = tx.embeddings.vectors(labels), tx.embeddings.vectors(labels[::-1])

    assert np.array_equal(forth, back[::-1])


def test_vectors_takes_more_labels_than_one_statement(
    catalog: Catalog, model_id: int, contents: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "MAX_VARIABLES", 2)
    with catalog.write() as tx:
        labels = tx.embeddings.add(model_id, {content_id: unit(content_id) for content_id in contents})

        assert tx.embeddings.vectors(labels).shape == (3, 128)


def test_a_label_that_is_not_there_is_an_error(catalog: Catalog) -> None:
    with catalog.read() as tx:
        assert len(tx.embeddings.vectors([])) == 0
        with pytest.raises(KeyError):
            tx.embeddings.vectors([5])


def test_a_label_is_never_given_twice(catalog: Catalog, model_id: int) -> None:
    with catalog.write() as tx:
        (content_id,) = tx.contents.add([make_fingerprint("a")])
        first = tx.embeddings.add(model_id, {content_id: unit(0, parts=2)})
        tx.contents.forget_unheld()
        assert tx.embeddings.count(model_id) == 0

    with catalog.write() as tx:
        (content_id,) = tx.contents.add([make_fingerprint("b")])
        second = tx.embeddings.add(model_id, {content_id: unit(0)})
    assert second.min() > first.max()


def test_every_part_knows_its_picture(catalog: Catalog, model_id: int, contents: list[int]) -> None:
    a, b, c = contents
    with catalog.write() as tx:
        labels = [int(label) for label in tx.embeddings.add(model_id, {a: unit(1, parts=2), b: unit(2)})]

        assert tx.embeddings.owners([*labels, 999]) == {labels[0]: a, labels[1]: a, labels[2]: b}
        found = tx.embeddings.of_contents(model_id, contents)
    assert {content_id: [label for label, _ in parts] for content_id, parts in found.items()} == {
        a: labels[:2],
        b: labels[2:],
    }
    assert float(found[a][1][1] @ unit(1, parts=2)[1]) > 0.9999
    assert c not in found


def test_flat_pictures_have_no_label_in_the_index(catalog: Catalog, model_id: int) -> None:
    with catalog.write() as tx:
        lively, flat = tx.contents.add([make_fingerprint("a"), make_fingerprint("blank", flat=True)])
        label, _ = tx.embeddings.add(model_id, {lively: unit(1), flat: unit(2)})

        assert list(tx.embeddings.labels(model_id)) == [label]
        assert tx.embeddings.count(model_id) == 2


def test_each_model_has_its_own_vectors(catalog: Catalog, model_id: int, contents: list[int]) -> None:
    with catalog.write() as tx:
        other = tx.embeddings.model_id("another", 4)
        tx.embeddings.add(model_id, {contents[0]: unit(1)})
        labels = tx.embeddings.add(other, {content_id: unit(2, dim=4) for content_id in contents[:2]})

        assert list(tx.embeddings.labels(other)) == list(labels)
        assert list(tx.embeddings.missing(other)) == contents[2:]
        assert list(tx.embeddings.missing(model_id)) == contents[1:]
        assert tx.embeddings.of_contents(other, [contents[0]])[contents[0]][0][1].shape == (4,)


def test_no_vectors_are_no_labels(catalog: Catalog, model_id: int) -> None:
    with catalog.write() as tx:
        assert len(tx.embeddings.add(model_id, {})) == 0
        assert len(tx.embeddings.labels(model_id)) == 0
