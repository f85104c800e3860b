"""Judging by evidence alone: each rule, and thresholds that change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dedupctl.config import Config, ModelConfig
from dedupctl.domain import Closer, Evidence, PairKind
from dedupctl.matching.score import Thresholds, judge, refusal, thresholds_of

PERFECT = Evidence(
    method="orb",
    hash_distance=2,
    cosine=0.9,
    inliers=80,
    residual=0.4,
    windows=200,
    agreement=1.0,
    agreement_elsewhere=1.0,
    replaced=0.0,
    replaced_is_bar=False,
    shading=1.0,
    low_ncc=0.95,
    typical_ncc=0.99,
    overlap_a=1.0,
    overlap_b=1.0,
    covered_a=1.0,
    covered_b=1.0,
    closer=Closer(windows=300),
)
UNLIKE = 0.1
"""A cosine at which two pictures are nothing to each other unless a copy is proven."""


def kind_of(evidence: Evidence, thresholds: Thresholds | None = None) -> PairKind | None:
    return judge(evidence, thresholds or Thresholds())[0]


@pytest.mark.parametrize(
    ("method", "kind"), [("bytes", PairKind.EXACT), ("stream", PairKind.PIXEL), ("pixels", PairKind.PIXEL)]
)
def test_what_needs_no_proof_is_sure(method: str, kind: PairKind) -> None:
    assert judge(Evidence(method=method), Thresholds()) == (kind, 1.0)


def test_perfect_evidence_proves_a_copy() -> None:
    assert refusal(PERFECT, Thresholds()) is None
    assert judge(PERFECT, Thresholds()) == (PairKind.NEAR, 1.0)


RULES = {
    "only a small part": {"covered_a": 0.1, "covered_b": 0.2},
    "30% of their detail agrees": {"agreement": 0.3, "agreement_elsewhere": 0.3},
    "70% of the shared part shows something else": {"replaced": 0.7},
    "details differ all over: 65% agree": {"agreement": 0.65, "agreement_elsewhere": 0.65, "typical_ncc": 0.7},
    "5% of the writing differs": {"writing": 0.95, "differing": 0.05},
    "each shows a part of the scene": {"beyond_a": 0.02, "beyond_b": 0.03},
    "light and shade": {"shading": -0.5},
    "could not be looked at closely": {"closer": None},
    "two capture times": {"closer": Closer(windows=300, moments="times")},
    "no way was found": {"agreement": None, "agreement_elsewhere": None},
}


@pytest.mark.parametrize(("reason", "changes"), RULES.items())
def test_each_rule_refuses_alone_and_says_why(reason: str, changes: dict[str, float | None]) -> None:
    evidence = replace(PERFECT, **changes)
    assert reason in (refusal(evidence, Thresholds()) or "")
    assert kind_of(evidence) is PairKind.SIMILAR
    assert kind_of(replace(evidence, cosine=UNLIKE)) is None
    assert kind_of(replace(evidence, cosine=None)) is None


def test_even_a_bar_may_not_replace_most_of_a_picture() -> None:
    assert kind_of(replace(PERFECT, replaced=0.7, replaced_is_bar=True)) is PairKind.SIMILAR


def test_a_bar_may_take_more_than_a_blot() -> None:
    allowed = Thresholds()
    share = (allowed.replaced + allowed.replaced_bar) / 2
    assert kind_of(replace(PERFECT, replaced=share, replaced_is_bar=True)) is PairKind.NEAR
    assert kind_of(replace(PERFECT, replaced=share, replaced_is_bar=False)) is PairKind.SIMILAR


def test_less_must_agree_where_no_transform_was_fitted_or_what_agrees_agrees_to_the_pixel() -> None:
    allowed = Thresholds()
    share = max(allowed.elsewhere_as_is, allowed.elsewhere_if_typical) + 0.01
    doubtful = replace(PERFECT, agreement=share, agreement_elsewhere=share, typical_ncc=0.8)
    assert share < allowed.elsewhere
    assert kind_of(doubtful) is PairKind.SIMILAR
    assert kind_of(replace(doubtful, method="correlation")) is PairKind.NEAR
    assert kind_of(replace(doubtful, typical_ncc=0.999)) is PairKind.NEAR


def test_it_is_enough_that_one_picture_lies_in_the_other() -> None:
    assert kind_of(replace(PERFECT, covered_a=0.2, overlap_a=0.2)) is PairKind.NEAR


def test_the_score_falls_with_what_disagrees_and_with_what_was_replaced() -> None:
    scores = [
        judge(evidence, Thresholds())[1]
        for evidence in (
            PERFECT,
            replace(PERFECT, replaced=0.1),
            replace(PERFECT, agreement_elsewhere=0.95),
            replace(PERFECT, agreement_elsewhere=0.95, replaced=0.1),
        )
    ]
    assert scores[0] > max(scores[1:3])
    assert min(scores[1:3]) > scores[3] > 0


def test_the_score_of_a_similar_pair_is_its_cosine() -> None:
    assert judge(Evidence(method="vector", cosine=0.8), Thresholds()) == (PairKind.SIMILAR, 0.8)


def test_evidence_that_was_kept_is_judged_again_by_other_thresholds() -> None:
    kept = replace(PERFECT, agreement_elsewhere=0.95, typical_ncc=0.9)
    assert kind_of(kept) is PairKind.NEAR
    assert kind_of(kept, Thresholds(elsewhere=0.99)) is PairKind.SIMILAR
    assert kind_of(kept, Thresholds(elsewhere=0.99, similar_cosine=0.95)) is None


def test_a_configured_model_brings_its_own_cosine() -> None:
    config = Config(model=ModelConfig(similar_cosine=0.42))
    assert thresholds_of(config).similar_cosine == 0.42
    assert kind_of(Evidence(method="vector", cosine=0.43), thresholds_of(config)) is PairKind.SIMILAR
    assert kind_of(Evidence(method="vector", cosine=0.41), thresholds_of(config)) is None


def test_a_border_or_filled_corners_are_no_part_of_the_scene() -> None:
    turned_in_its_frame = replace(PERFECT, beyond_a=0.1, beyond_b=0.1, plain_a=0.2, plain_b=0.97)
    assert kind_of(turned_in_its_frame) is PairKind.NEAR
    assert kind_of(replace(turned_in_its_frame, plain_b=0.3)) is PairKind.SIMILAR


ONE_EXPOSURE = Closer(
    windows=600,
    natural_a=0.8,
    natural_b=0.6,
    differing=200,
    moved=0,
    relit=3.0,
    each_sharper=0.0,
    kept=0.99,
    kept_low=0.95,
    fine_windows=90,
)


@pytest.mark.parametrize(
    "more", [{"agreement": 0.5, "replaced": 0.3}, {"agreement_elsewhere": 0.8, "typical_ncc": 0.9}, {"replaced": 0.4}]
)
def test_the_grain_of_one_exposure_lets_more_be_laid_on(more: dict[str, float]) -> None:
    covered = replace(PERFECT, closer=ONE_EXPOSURE, **more)  # type: ignore[arg-type]
    assert kind_of(covered) is PairKind.NEAR
    for less in (
        {"kept": 0.9},
        {"kept_low": 0.5},
        {"fine_windows": 8},
        {"moved": 6},
        {"natural_b": 0.1},
        {"moments": "times"},
    ):
        assert kind_of(replace(covered, closer=replace(ONE_EXPOSURE, **less))) is PairKind.SIMILAR  # type: ignore[arg-type]
