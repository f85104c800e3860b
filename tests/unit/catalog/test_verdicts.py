from __future__ import annotations

import pytest
from builders import make_digest, make_fingerprint

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Verdict
from dedupctl.errors import StoreError

A, B, C = (make_digest(name) for name in "abc")


def test_a_verdict_has_no_direction_and_the_last_word_counts(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.verdicts.put(A, B, Verdict.SAME, at=1)
        tx.verdicts.put(B, A, Verdict.DIFFERENT, at=2)

        assert tx.verdicts.between(A, B) is Verdict.DIFFERENT
        assert tx.verdicts.between(B, A) is Verdict.DIFFERENT
        assert tx.verdicts.between(A, C) is None


def test_a_verdict_may_be_withdrawn(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.verdicts.put(A, B, Verdict.SAME, at=1)
        tx.verdicts.withdraw(B, A)

        assert tx.verdicts.between(A, B) is None


def test_a_verdict_waits_for_pictures_that_are_not_there(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.verdicts.put(A, B, Verdict.SAME, at=1)
        tx.verdicts.put(A, C, Verdict.DIFFERENT, at=1)
        assert tx.verdicts.by_content() == {}

        b, a = tx.contents.add([make_fingerprint("b"), make_fingerprint("a")])
        assert tx.verdicts.by_content() == {(b, a): Verdict.SAME}


def test_a_verdict_outlives_its_contents(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.contents.add([make_fingerprint("a"), make_fingerprint("b")])
        tx.verdicts.put(A, B, Verdict.SAME, at=1)
        tx.contents.forget_unheld()
        again = tx.contents.add([make_fingerprint("a"), make_fingerprint("b")])

        assert tx.verdicts.by_content() == {(again[0], again[1]): Verdict.SAME}


def test_a_picture_is_not_judged_against_itself(catalog: Catalog) -> None:
    with pytest.raises(StoreError, match="ordered"), catalog.write() as tx:
        tx.verdicts.put(A, A, Verdict.SAME, at=1)
