"""Measure one candidate pair: the cheapest sufficient test comes first, and the numbers are kept as evidence.

This is pure work on values, so it runs in any process. A `Comparer` keeps the pictures it prepared, because a picture
with one candidate usually has several.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import Closer, Content, Evidence, Unreadable
from dedupctl.fingerprint.closer_look import CloserLook, look_closer
from dedupctl.fingerprint.decode import pixel_digest
from dedupctl.fingerprint.fingerprinter import thumbnail_of
from dedupctl.fingerprint.unreadable import DEFAULT_LIMITS, NEEDS_MEMORY, Limits
from dedupctl.matching.candidates import Candidate
from dedupctl.matching.proof.closer import look_closer_at
from dedupctl.matching.proof.frame import View
from dedupctl.matching.proof.moments import moments_of
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.proof.proof import prove

PROOF_SECONDS = 0.015
"""CPU time of one comparison; see `bench/README.md`."""
DECODED_PIXELS_A_SECOND = 20_000_000
"""In a full decode including the digest."""
T = TypeVar("T")

KEPT_PICTURES = 512
"""Prepared pictures a process keeps: about 0.3 MB each with their features."""
KEPT_LOOKS = 24
"""Closer looks a process keeps: up to 1.4 MB each."""
KEPT_DIGESTS = 4096
_LOSSY = frozenset({"WEBP", "AVIF", "HEIF", "JXL", "JPEG2000"})
"""Formats besides JPEG that lose detail, as Pillow names them."""
_WORTH_A_CLOSER_LOOK = 0.4
"""Share of the detail that must agree, and of either's detail that must be shared."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two contents to compare: what is known about it, and where it can be read."""

    content: Content
    thumbnail: bytes | None
    """None if the thumbnail cache was lost: it is made again from `path`."""
    path: bytes | None
    """A present file with this content; None if all are gone."""


@dataclass(frozen=True, slots=True)
class Case:
    candidate: Candidate
    a: Side
    b: Side


def gather_sides(tx: Transaction, thumbs: Thumbs, content_ids: Collection[int]) -> dict[int, Side]:
    """What is known about these contents, ready to be compared."""
    contents = tx.contents.get(content_ids)
    thumbnails = thumbs.get([content.digest for content in contents.values()])
    paths = {located.file.content_id: located.path for located in tx.files.of_contents(content_ids)}
    return {
        content_id: Side(content, thumbnails.get(content.digest), paths.get(content_id))
        for content_id, content in contents.items()
    }


def expected_seconds(case: Case) -> float:
    """Estimated CPU time of a case: milliseconds, or seconds if all pixels are compared."""
    if not _may_be_same_pixels(case):
        return PROOF_SECONDS
    facts = case.a.content.facts
    return PROOF_SECONDS + 2 * facts.width * facts.height / DECODED_PIXELS_A_SECOND


class Comparer:
    """Compares candidate pairs and returns what was measured."""

    def __init__(self) -> None:
        self._pictures: Kept[Picture] = Kept(KEPT_PICTURES)
        self._looks: Kept[CloserLook] = Kept(KEPT_LOOKS)
        self._digests: Kept[bytes] = Kept(KEPT_DIGESTS)

    def evidence(self, case: Case, limits: Limits = DEFAULT_LIMITS, *, is_last_try: bool = True) -> Evidence | None:
        """The evidence on one candidate; None if a picture can no longer be read.

        Two pictures that the limits do not allow to be compared pixel by pixel, or looked at closely, are judged by
        what else is known of them.

        Raises:
            MemoryError: decoding takes more than the limits allow, and it is not the last try.
        """
        a, b, candidate = case.a, case.b, case.candidate
        if candidate.same_stream and a.content.facts.orientation == b.content.facts.orientation:
            return Evidence(method="stream", hash_distance=candidate.hash_distance, cosine=candidate.cosine)
        one, other = self._picture(a, limits), self._picture(b, limits)
        if one is None or other is None:
            return None
        decoding = _Decoding(limits, is_last_try)
        if _may_be_same_pixels(case) and one.looks_identical(other) and self._same_pixels(a, b, decoding):
            return Evidence(method="pixels", hash_distance=candidate.hash_distance, cosine=candidate.cosine)
        proven = prove(one, other, hash_distance=candidate.hash_distance, cosine=candidate.cosine)
        return replace(proven, closer=self._closer(a, b, proven, decoding)) if _may_be_near(proven) else proven

    def _closer(self, a: Side, b: Side, proven: Evidence, decoding: _Decoding) -> Closer | None:
        """What the files themselves show; None where one of them cannot be read now."""
        one = self._looks.get(a.content.id, lambda: decoding.of(a, look_closer))
        other = self._looks.get(b.content.id, lambda: decoding.of(b, look_closer)) if one is not None else None
        if one is None or other is None or proven.transform is None:
            return None
        matrix = np.array(proven.transform.matrix, np.float64).reshape(3, 3)
        seen = look_closer_at(_view(one, a.content), _view(other, b.content), matrix)
        return replace(seen, moments=moments_of(one.capture, other.capture))

    def _picture(self, side: Side, limits: Limits) -> Picture | None:
        def prepared() -> Picture | None:
            jpeg = side.thumbnail or (thumbnail_of(side.path, limits) if side.path else None)
            facts = side.content.facts
            return Picture.from_thumbnail(jpeg, facts.width, facts.height) if isinstance(jpeg, bytes) else None

        return self._pictures.get(side.content.id, prepared)

    def _same_pixels(self, a: Side, b: Side, decoding: _Decoding) -> bool:
        """Of a hundred files with the same pixels each is decoded once, not once a pair."""
        if a.path is None or b.path is None:
            return False
        one = self._digests.get(a.content.id, lambda: decoding.of(a, pixel_digest))
        return one is not None and one == self._digests.get(b.content.id, lambda: decoding.of(b, pixel_digest))


@dataclass(frozen=True, slots=True)
class _Decoding:
    """How often and within which limits a file is decoded."""

    limits: Limits
    is_last_try: bool

    def of(self, side: Side, decode: Callable[[bytes, Limits], T | Unreadable]) -> T | None:
        """None for a side without a file, or one that cannot be decoded.

        Raises:
            MemoryError: it takes more memory than the limits allow, and there will be another try with more.
        """
        made = decode(side.path, self.limits) if side.path is not None else None
        if isinstance(made, Unreadable):
            if made.code == NEEDS_MEMORY and not self.is_last_try:
                raise MemoryError(made.message)
            return None
        return made


class Kept(Generic[T]):
    """What was made of the contents asked for last; what could not be made is tried again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[int, T] = OrderedDict()

    def get(self, content_id: int, make: Callable[[], T | None]) -> T | None:
        if content_id in self._made:
            self._made.move_to_end(content_id)
            return self._made[content_id]
        made = make()
        if made is not None:
            self._made[content_id] = made
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        return made


def _may_be_same_pixels(case: Case) -> bool:
    """Only pictures of equal dimensions and nearly equal hashes are worth two full decodes."""
    a, b = case.a.content.facts, case.b.content.facts
    return (a.width, a.height) == (b.width, b.height) and case.candidate.hash_distance <= 2


def _may_be_near(proven: Evidence) -> bool:
    shared = max(proven.covered_a or 0.0, proven.covered_b or 0.0)
    return min(proven.agreement or 0.0, shared) >= _WORTH_A_CLOSER_LOOK


def _view(look: CloserLook, content: Content) -> View:
    facts = content.facts
    return View(look.gray, facts.width, facts.height, look.quantization, loses_unknown=facts.format in _LOSSY)
