from __future__ import annotations

import numpy as np

from dedupctl.vectors.flat import FlatIndex


def test_the_exact_index_agrees_with_the_definition_of_the_cosine() -> None:
    random = np.random.default_rng(1)
    rows, query = random.normal(size=(300, 16)), random.normal(size=16)
    index = FlatIndex(16)
    index.add(np.arange(100, 400), rows.astype(np.float32))
    labels, cosines = index.search(query[np.newaxis].astype(np.float32), 7)
    expected = rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
    nearest = np.argsort(-expected)[:7]
    assert labels[0].tolist() == (nearest + 100).tolist()
    np.testing.assert_allclose(cosines[0], expected[nearest], atol=1e-6)
