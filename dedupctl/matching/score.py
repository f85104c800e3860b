"""From evidence to a kind and a score, by the thresholds of the configuration.

Judging is pure and needs no picture: a changed threshold judges stored evidence again.
"""

from __future__ import annotations

from dedupctl.config import Config, ModelConfig, ProofConfig
from dedupctl.domain import Evidence, PairKind
from dedupctl.matching.derivation import is_ground
from dedupctl.matching.doubts import doubt, is_one_exposure

RULES = 2
"""Raised with every rule that judges stored evidence otherwise, so that catalogs are judged again.

2: a closer look at both files decides."""


class Thresholds(ProofConfig):
    """What a proof must show for `near`, and what is left for `similar`."""

    similar_cosine: float = ModelConfig().similar_cosine
    """It belongs to the embedding model."""


def thresholds_of(config: Config) -> Thresholds:
    """The thresholds a configuration asks for."""
    return Thresholds(**config.proof.model_dump(), similar_cosine=config.model.similar_cosine)


def judge(evidence: Evidence, thresholds: Thresholds) -> tuple[PairKind | None, float]:
    """What two pictures are to each other, and how sure that is (0-1, comparable within one kind).

    `near`: the share of detail that agrees, times the share of the shared part that was not replaced. `similar`: the
    cosine.
    None with 0.0: nothing to each other.
    """
    if evidence.method in {"bytes", "stream", "pixels"}:
        return PairKind.EXACT if evidence.method == "bytes" else PairKind.PIXEL, 1.0
    if refusal(evidence, thresholds) is None:
        return PairKind.NEAR, (evidence.agreement_elsewhere or 0.0) * (1.0 - (evidence.replaced or 0.0))
    if evidence.cosine is not None and evidence.cosine >= thresholds.similar_cosine:
        return PairKind.SIMILAR, min(1.0, evidence.cosine)
    return None, 0.0


def refusal(evidence: Evidence, thresholds: Thresholds) -> str | None:
    """Why the evidence does not prove a copy, as the end of a sentence; None when it does."""
    return _refusal_by_thumbnails(evidence, thresholds) or doubt(evidence)


def lacks_a_closer_look(evidence: Evidence, thresholds: Thresholds) -> bool:
    """Nothing else stands between the two and `near`: an older version, or one that could not read a file, saw them."""
    return evidence.closer is None and _refusal_by_thumbnails(evidence, thresholds) is None


def _refusal_by_thumbnails(evidence: Evidence, thresholds: Thresholds) -> str | None:  # noqa: PLR0911 - one a rule
    e = evidence
    if (
        e.agreement is None
        or e.agreement_elsewhere is None
        or e.replaced is None
        or e.shading is None
        or e.covered_a is None
        or e.covered_b is None
    ):
        return "no way was found to lay one on the other"
    if max(e.covered_a, e.covered_b) < thresholds.covered:
        return "they share only a small part of both"
    is_one = is_one_exposure(e.closer)
    if e.agreement < (thresholds.agreement_of_one_exposure if is_one else thresholds.agreement):
        return f"laid on each other, only {e.agreement:.0%} of their detail agrees"
    if e.replaced > _most_replaced(e, thresholds, is_one=is_one):
        return f"{e.replaced:.0%} of the shared part shows something else"
    if (e.writing or 0.0) >= thresholds.writing and (e.differing or 0.0) > thresholds.writing_differs:
        return f"{e.differing:.0%} of the writing differs"
    if e.agreement_elsewhere < _least_elsewhere(e, thresholds):
        return f"details differ all over: {e.agreement_elsewhere:.0%} agree"
    if _each_shows_more(e, thresholds):
        return "each shows a part of the scene that the other lacks"
    if e.shading < thresholds.shading:
        return "light and shade do not agree"
    return None


def _most_replaced(evidence: Evidence, thresholds: Thresholds, *, is_one: bool) -> float:
    """How much of the shared part may show something else."""
    allowed = thresholds.replaced_bar if evidence.replaced_is_bar else thresholds.replaced
    return max(allowed, thresholds.replaced_in_one_exposure) if is_one else allowed


def _least_elsewhere(evidence: Evidence, thresholds: Thresholds) -> float:
    """How much must agree outside the replaced region.

    Less if the two lie on each other as they are: no fitted transform could have made them agree. Less also where what
    agrees agrees to the pixel, as under a watermark: two shots of one thing agree nowhere quite.
    """
    allowed = [thresholds.elsewhere]
    if is_one_exposure(evidence.closer):
        allowed.append(thresholds.elsewhere_in_one_exposure)
    if evidence.method == "correlation":
        allowed.append(thresholds.elsewhere_as_is)
    if evidence.typical_ncc is not None and evidence.typical_ncc >= thresholds.typical_ncc:
        allowed.append(thresholds.elsewhere_if_typical)
    return min(allowed)


def _each_shows_more(evidence: Evidence, thresholds: Thresholds) -> bool:
    """Neither can have been made from the other. A border or the filled corners of a rotation are not the scene."""
    sides = ((evidence.beyond_a, evidence.plain_b), (evidence.beyond_b, evidence.plain_a))
    return all((beyond or 0.0) > thresholds.both_beyond and not is_ground(plain) for beyond, plain in sides)
