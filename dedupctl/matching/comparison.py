"""One candidate, judged: the cheapest sufficient test first, and the numbers it rests on kept as evidence.

Pure work on values, so it runs in any process. A `Judge` keeps the pictures it prepared, because a picture that has one
candidate usually has several.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import Content, Evidence, Unreadable
from dedupctl.fingerprint.decode import pixel_digest
from dedupctl.fingerprint.fingerprinter import thumbnail_of
from dedupctl.fingerprint.outcome import DEFAULT_LIMITS, NEEDS_MEMORY, Limits
from dedupctl.matching.candidates import Candidate
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.proof.proof import prove

PROOF_SECONDS = 0.015
"""CPU time of one comparison, see `bench/README.md`."""
DECODED_PIXELS_A_SECOND = 20_000_000
"""Of a full decode with its digest."""
KEPT_PICTURES = 512
"""Prepared pictures a process keeps: about 0.3 MB each with their features."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two contents to compare: what is known of it, and where it can be read."""

    content: Content
    thumbnail: bytes | None
    """None when the thumbnail cache was lost: it is made again from `path`."""
    path: bytes | None
    """A present file of this content; None when all are gone."""


@dataclass(frozen=True, slots=True)
class Case:
    candidate: Candidate
    a: Side
    b: Side


def gather_sides(tx: Transaction, thumbs: Thumbs, content_ids: Collection[int]) -> dict[int, Side]:
    """What is known of these contents, ready to be compared."""
    contents = tx.contents.get(content_ids)
    thumbnails = thumbs.get([content.digest for content in contents.values()])
    paths = {located.file.content_id: located.path for located in tx.files.of_contents(content_ids)}
    return {
        content_id: Side(content, thumbnails.get(content.digest), paths.get(content_id))
        for content_id, content in contents.items()
    }


def expected_seconds(case: Case) -> float:
    """About how much CPU time a case takes: it is milliseconds, or seconds where all pixels are compared."""
    if not _may_be_same_pixels(case):
        return PROOF_SECONDS
    facts = case.a.content.facts
    return PROOF_SECONDS + 2 * facts.width * facts.height / DECODED_PIXELS_A_SECOND


class Comparer:
    """Compares candidates and says what was measured."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[int, Picture] = OrderedDict()

    def evidence(self, case: Case, limits: Limits = DEFAULT_LIMITS, *, is_last_try: bool = True) -> Evidence | None:
        """The evidence on one candidate; None when a picture can no longer be read, so nothing can be said.

        Two pictures that the limits do not allow to be compared pixel by pixel are judged by what they look like.

        Raises:
            MemoryError: a full decode takes more than the limits allow, and it is not the last try.
        """
        a, b, candidate = case.a, case.b, case.candidate
        if candidate.same_stream and a.content.facts.orientation == b.content.facts.orientation:
            return Evidence(method="stream", hash_distance=candidate.hash_distance, cosine=candidate.cosine)
        one, other = self._picture(a, limits), self._picture(b, limits)
        if one is None or other is None:
            return None
        if _may_be_same_pixels(case) and one.looks_identical(other) and _same_pixels(a, b, limits, is_last_try):
            return Evidence(method="pixels", hash_distance=candidate.hash_distance, cosine=candidate.cosine)
        return prove(one, other, hash_distance=candidate.hash_distance, cosine=candidate.cosine)

    def _picture(self, side: Side, limits: Limits) -> Picture | None:
        content = side.content
        if content.id in self._pictures:
            self._pictures.move_to_end(content.id)
            return self._pictures[content.id]
        jpeg = side.thumbnail or (thumbnail_of(side.path, limits) if side.path else None)
        if not isinstance(jpeg, bytes):
            return None
        picture = Picture.from_thumbnail(jpeg, content.facts.width, content.facts.height)
        self._pictures[content.id] = picture
        if len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        return picture


def _may_be_same_pixels(case: Case) -> bool:
    """Only pictures of equal dimensions and nearly equal hashes are worth two full decodes."""
    a, b = case.a.content.facts, case.b.content.facts
    return (a.width, a.height) == (b.width, b.height) and case.candidate.hash_distance <= 2


def _same_pixels(a: Side, b: Side, limits: Limits, is_last_try: bool) -> bool:
    if a.path is None or b.path is None:
        return False
    digest = pixel_digest(a.path, limits)
    if isinstance(digest, Unreadable):
        if digest.code == NEEDS_MEMORY and not is_last_try:
            raise MemoryError(digest.message)
        return False
    return digest == pixel_digest(b.path, limits)
