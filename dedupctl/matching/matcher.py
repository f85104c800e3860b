"""Rounds of matching: contents that were never compared -> candidates -> cases to judge -> pairs in the catalog.

Every content is compared with the ones of smaller id only: so each two meet exactly once, whatever the order in which
rounds come back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from dedupctl.catalog.catalog import Transaction
from dedupctl.domain import Evidence, Pair, Unreadable
from dedupctl.matching.candidates import Candidate, CandidateFinder, candidate_between
from dedupctl.matching.comparison import Case, expected_seconds, gather_sides
from dedupctl.matching.completion import lacking_pairs
from dedupctl.matching.score import judge, thresholds_of
from dedupctl.matching.screen import Screen
from dedupctl.vectors.vector_index import VectorIndex
from dedupctl.workspace import Workspace

CONTENTS_A_ROUND = 128
MOST_TRIES = 4
"""Stars of a chain are completed one after the other, see `completion`."""
PORTION_SECONDS = 2.0
"""CPU time of the cases that a worker is given at once. 128 contents may have 5,000 cases, which take minutes."""


@dataclass(frozen=True, slots=True)
class Round:
    """Contents being compared, and the cases that must be judged before they count as matched."""

    content_ids: tuple[int, ...]
    cases: tuple[Case, ...]
    tries: int = 0
    """How often cases were added for clusters that lacked a pair with their keeper."""

    def portions(self) -> list[range]:
        """The places of its cases, as many at a time as a worker judges in `PORTION_SECONDS`; one at the least."""
        portions, start, seconds = [], 0, 0.0
        for place, case in enumerate(self.cases):
            expected = expected_seconds(case)
            if place > start and seconds + expected > PORTION_SECONDS:
                portions.append(range(start, place))
                start, seconds = place, 0.0
            seconds += expected
        if self.cases:
            portions.append(range(start, len(self.cases)))
        return portions


class Matcher:
    """Hands out rounds in order of content id and stores what came of them (tx 2)."""

    def __init__(self, workspace: Workspace, index: VectorIndex) -> None:
        self._catalog = workspace.catalog
        self._thumbs = workspace.thumbs
        self._model_id = workspace.model_id
        self._thresholds = thresholds_of(workspace.config)
        self._finder = CandidateFinder(index, workspace.model_id, workspace.config.model.propose_cosine)
        self._screen = Screen(workspace.thumbs, workspace.model_id)
        self._taken = 0

    def next_round(self) -> Round | None:
        """The next contents to compare; None when every content is matched or in a round."""
        with self._catalog.read() as tx:
            content_ids = tx.contents.unmatched(CONTENTS_A_ROUND, above=self._taken)
            if not content_ids:
                return None
            proposed = self._finder.propose(tx, content_ids)
            cases = self._cases(tx, self._screen.worth_proving(tx, proposed, self._finder.pictures))
        self._taken = content_ids[-1]
        return Round(tuple(content_ids), cases)

    def start_over(self) -> None:
        """Hand out every content again that is not matched: contents that were are not any more."""
        self._taken = 0

    def settle(self, done: Round, evidence: Sequence[Evidence | Unreadable | None]) -> Round | None:
        """Store the judgements of one round. A case without evidence (a picture was lost meanwhile) says nothing.

        Returns what must be judged besides before the same contents count as matched: members of their clusters that
        never met the keeper. None when nothing is left.
        """
        judged = [
            self._pair(case.candidate, found)
            for case, found in zip(done.cases, evidence, strict=True)
            if isinstance(found, Evidence)
        ]
        with self._catalog.write() as tx:
            tx.pairs.put(judged)
            cases = self._lacking(tx, done) if judged else ()
            if not cases:
                tx.contents.mark_matched(done.content_ids, int(time.time()))
                return None
        return Round(done.content_ids, cases, tries=done.tries + 1)

    def _lacking(self, tx: Transaction, done: Round) -> tuple[Case, ...]:
        """A pair that cannot be judged would be lacking for ever: `tries` ends that."""
        if done.tries >= MOST_TRIES:
            return ()
        touched = {end for case in done.cases for end in (case.candidate.a, case.candidate.b)}
        lacking = lacking_pairs(tx, touched)
        return self._cases(tx, [candidate_between(tx, self._model_id, a, b) for a, b in lacking])

    def _pair(self, candidate: Candidate, evidence: Evidence) -> Pair:
        kind, score = judge(evidence, self._thresholds)
        return Pair(candidate.a, candidate.b, kind, score, evidence)

    def _cases(self, tx: Transaction, candidates: Sequence[Candidate]) -> tuple[Case, ...]:
        ids = {candidate.a for candidate in candidates} | {candidate.b for candidate in candidates}
        sides = gather_sides(tx, self._thumbs, ids)
        return tuple(
            Case(candidate, sides[candidate.a], sides[candidate.b])
            for candidate in candidates
            if candidate.a in sides  # the nets in memory still hold contents that were forgotten since
        )
