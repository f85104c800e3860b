"""Why two files are, or are not, the same picture: the pair, a person's verdict on it, and both in words."""

from __future__ import annotations

from dataclasses import dataclass

from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Content, Evidence, Pair, PairKind, Verdict
from dedupctl.matching.lookup import Measure, compare_two
from dedupctl.matching.sentence import sentence
from dedupctl.workspace import Workspace

_SAME_BYTES = Evidence(method="bytes")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What picture B is to picture A, and how that is known."""

    kind: PairKind | None
    """The kind that counts after any verdict; None if the two are not copies of each other."""
    score: float
    words: str
    evidence: Evidence
    pair: Pair | None
    """None if both files hold the same bytes."""
    contents: tuple[Content, Content]
    """The contents of `pair.a` and `pair.b`."""
    names: tuple[str, str]
    """What the words call the two contents: ("A", "B"), or the other way round if B has the smaller id."""


def explain(workspace: Workspace, one: LocatedFile, other: LocatedFile, measure: Measure) -> Explanation:
    """The stored evidence on these two files, or that of a comparison made now if they were never compared.

    Raises:
        UsageError: a picture can no longer be read.
    """
    pair = compare_two(workspace, one, other, measure)
    ids = [one.file.content_id or 0] if pair is None else [pair.a, pair.b]
    with workspace.catalog.read() as tx:
        found = tx.contents.get(ids)
        contents = found[ids[0]], found[ids[-1]]
        said = tx.verdicts.between(contents[0].digest, contents[1].digest) if pair is not None else None
    if pair is None:
        return Explanation(PairKind.EXACT, 1.0, "A and B hold the same bytes", _SAME_BYTES, None, contents, ("A", "B"))
    names = ("B", "A") if pair.b == one.file.content_id else ("A", "B")
    words = sentence(pair, *contents, names)
    if said is None:
        return Explanation(pair.kind, pair.score, words, pair.evidence, pair, contents, names)
    same = PairKind.PIXEL if pair.kind is PairKind.PIXEL else PairKind.NEAR
    kind = same if said is Verdict.SAME else None
    return Explanation(kind, pair.score, f"{words} (you said: {said.value})", pair.evidence, pair, contents, names)
