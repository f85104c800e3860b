"""The screen: a test of microseconds between a candidate and its proof of milliseconds.

In a small library nearly every candidate may be proven. In a large one most are there by chance: of a million photos,
a hundred others lie within cosine 0.63 of each. The larger the library, the stricter the screen, so that about as few
chance candidates of a picture reach the proof in any library.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import Content, FloatArray
from dedupctl.matching.candidates import Candidate, largest_cosine
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.sketch import Sketches, sketches_of
from dedupctl.matching.votes import passing, votes_for

SMALL = 5_000
"""Pictures up to which no candidate is turned away: two by chance for each picture cost less than one copy missed."""
BEARABLE = 0.1
"""Chance candidates of one picture that may reach the proof in a library of a thousand; three times as many in one of a
million."""
DENSE = 40
"""Candidates of one picture up to which all are compared. Beyond, it belongs to a series or to hundreds of copies, and
a few speak for all: else each of 10,000 frames of a time-lapse would be compared with 160 others."""
REPRESENTATIVES = 4
"""Of each group of candidates."""
ALIKE = 0.8
"""Cosine from which candidates count as one group: frames of one shot have .9 and more."""
KEPT_SKETCHES = 16_384
"""Read and kept in memory, 2.5 kB each."""

_SHARES = (1.67e-4, 5.2e-5, 1.6e-5, 4.5e-6, 1.3e-6, 3e-7)
_SCORES = (-4.0, -3.0, -2.0, -1.0, -0.6, -0.3)
"""Share of all pairs of different photos that score at least so much: among 2,492 photos, without nine pairs that show
one scene. With both the screen and the cosine that `reach` asks for, .974 of 189 hard edits pass among 10,000 pictures,
.958 among 100,000 and .942 among a million; all of 607 library and five edits pass everywhere."""


def least_score(pictures: int) -> float:
    """The score (see `votes.passing`) below which a candidate in a library of this size is not worth a proof."""
    if pictures <= SMALL:
        return -np.inf
    bearable = BEARABLE * (1 + max(0.0, float(np.log10(pictures / 1000))) / 1.5)
    return float(np.interp(-np.log(bearable / pictures), -np.log(_SHARES), _SCORES))


class Screen:
    """Turns away candidates that are not worth a proof; keeps the sketches it has read."""

    def __init__(self, thumbs: Thumbs, model_id: int) -> None:
        self._thumbs = thumbs
        self._model_id = model_id
        self._kept: OrderedDict[int, Sketches] = OrderedDict()

    def worth_proving(self, tx: Transaction, candidates: Sequence[Candidate], pictures: int) -> list[Candidate]:
        """The candidates, in their order, that look enough like copies for a library of this size.

        Args:
            candidates: those of one picture in a row.
            pictures: how many pictures the library holds.
        """
        least = least_score(pictures)
        most = max(Counter(one.b for one in candidates).values(), default=0)
        if most <= DENSE and least == -np.inf:
            return list(candidates)
        contents = tx.contents.get({end for one in candidates for end in (one.a, one.b)})
        self._take_in(contents.values())
        known = [one for one in candidates if one.a in contents and one.b in contents]
        return [
            candidate
            for asking, own in groupby(self._with_cosines(tx, known), key=lambda one: one.b)
            for candidate in self._worth_proving_of(tx, contents[asking], list(own), least)
        ]

    def _worth_proving_of(
        self, tx: Transaction, asking: Content, candidates: list[Candidate], least: float
    ) -> list[Candidate]:
        own = self._kept.get(asking.id)
        tested = [one for one in candidates if not one.same_stream and one.a in self._kept]
        if own is None or not tested:
            return candidates
        cosines = np.array([one.cosine or 0.0 for one in tested], np.float32)
        passed = passing(own, [self._kept[one.a].plain for one in tested], cosines, least)
        refused = {one.a for one, is_passed in zip(tested, passed.tolist(), strict=True) if not is_passed}
        kept = [one for one in candidates if one.a not in refused]
        return kept if len(kept) <= DENSE else self._representatives(tx, kept, own)

    def _representatives(self, tx: Transaction, candidates: list[Candidate], own: Sketches) -> list[Candidate]:
        """Of every group of candidates that are alike among themselves: the oldest, and those most like who asks."""
        vectors = tx.embeddings.of_contents(self._model_id, [one.a for one in candidates])
        seen = [one for one in candidates if one.a in self._kept]
        counted = votes_for(own, [self._kept[one.a].plain for one in seen])
        votes = dict(zip([one.a for one in seen], counted.tolist(), strict=True))
        chosen: set[int] = set()
        for group in _alike(candidates, {content_id: parts[0][1] for content_id, parts in vectors.items()}):
            ranked = sorted(group[1:], key=lambda one: (-one.same_stream, -votes.get(one.a, 0), -(one.cosine or 0.0)))
            chosen |= {one.a for one in (group[0], *ranked[: REPRESENTATIVES - 1])}
        return [one for one in candidates if one.a in chosen]

    def _with_cosines(self, tx: Transaction, candidates: Sequence[Candidate]) -> list[Candidate]:
        """What only the hashes proposed has a cosine, too."""
        lacking = {end for one in candidates if one.cosine is None for end in (one.a, one.b)}
        parts = tx.embeddings.of_contents(self._model_id, lacking) if lacking else {}
        return [
            one
            if one.cosine is not None
            else replace(one, cosine=largest_cosine(parts.get(one.a, []), parts.get(one.b, [])))
            for one in candidates
        ]

    def _take_in(self, contents: Collection[Content]) -> None:
        """Read the sketches of these contents, or draw them where the cache has none."""
        wanted = {content.digest: content for content in contents if content.id not in self._kept}
        stored = self._thumbs.sketches(wanted)
        drawn: dict[bytes, bytes] = {}
        for digest, jpeg in self._thumbs.get([digest for digest in wanted if digest not in stored]).items():
            drawn[digest] = sketches_of(_picture(jpeg, wanted[digest])).to_bytes()
        self._thumbs.put_sketches(drawn)
        for digest, data in (stored | drawn).items():
            if (sketch := Sketches.from_bytes(data)) is not None:
                self._kept[wanted[digest].id] = sketch
        for content in contents:
            if content.id in self._kept:
                self._kept.move_to_end(content.id)
        while len(self._kept) > max(KEPT_SKETCHES, len(contents)):
            self._kept.popitem(last=False)


def _alike(candidates: Sequence[Candidate], vectors: Mapping[int, FloatArray]) -> list[list[Candidate]]:
    """Groups of candidates around leaders: the oldest leads the first, whoever is unlike all leaders leads one more."""
    groups: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda one: one.a):
        own = vectors.get(candidate.a)
        for group in groups:
            leader = vectors.get(group[0].a)
            if own is not None and leader is not None and float(own @ leader) >= ALIKE:
                group.append(candidate)
                break
        else:
            groups.append([candidate])
    return groups


def _picture(jpeg: bytes, content: Content) -> Picture:
    return Picture.from_thumbnail(jpeg, content.facts.width, content.facts.height)
