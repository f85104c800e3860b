"""The built-in model on a small set of drawn photos, by the very command that compares models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scenery import jpeg, scene
from train_embedder.benchmark import copies_set_in, read_set
from train_embedder.evaluate import Figures, as_markdown, evaluate, save

from dedupctl.config import ModelConfig
from dedupctl.fingerprint.embedder import BUILT_IN_DIM

PHOTOS = 46
"""42 of them fill templates and backgrounds."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "photos").mkdir()
    for number in range(PHOTOS):
        (folder / "photos" / f"{number:02d}.jpg").write_bytes(jpeg(scene(number, (240, 180))))
    return folder


@pytest.fixture(scope="module")
def figures(work: Path) -> Figures:
    items = copies_set_in(work / "set", work / "photos", None, 1, seed=1)
    return evaluate(items, ModelConfig(), workers=2)


def test_usual_edits_are_proposed_and_drawn_photos_are_told_apart(figures: Figures) -> None:
    assert figures.queries["library"] >= 30
    at = {step.cosine: step for step in figures.ladders["parts + pHash"]["library"]}
    assert at[0.5].found > 0.9
    assert at[0.9].false <= at[0.5].false <= at[0.3].false
    assert figures.dim == BUILT_IN_DIM
    assert 0.9 < figures.rankings["whole"].uap <= 1
    assert 0 < figures.rankings["whole"].recall <= 1
    assert figures.cpu_ms > 0


def test_parts_and_hash_only_ever_add(figures: Figures) -> None:
    for group in figures.ladders["whole"]:
        whole, both = (figures.ladders[name][group] for name in ("whole", "parts + pHash"))
        assert all(
            more.found >= less.found and more.false >= less.false for less, more in zip(whole, both, strict=True)
        )


def test_the_figures_are_shown_and_kept(figures: Figures, tmp_path: Path) -> None:
    shown = as_markdown(figures)
    assert "uAP" in shown
    assert {"document", "form", "sky", "meme"} <= figures.look_alikes.keys()
    save(figures, tmp_path / "figures.json")
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["rankings"]["parts"]["uap"] == figures.rankings["parts"].uap


def test_a_set_that_was_made_is_used_again(figures: Figures, work: Path) -> None:  # noqa: ARG001 - it made the set
    one = sorted((work / "set").rglob("*.*"))[0]
    before = one.stat().st_mtime_ns
    items = copies_set_in(work / "set", work / "photos", None, 1, seed=1)
    assert one.stat().st_mtime_ns == before
    assert len(items) > 100


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, work: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(ValueError, match="not empty"):
        copies_set_in(tmp_path, work / "photos", None, 1, seed=1)
    assert (tmp_path / "mine.jpg").read_bytes() == b"mine"


def test_flat_pictures_take_no_part(work: Path, figures: Figures) -> None:  # noqa: ARG001 - it made the set
    items = copies_set_in(work / "set", work / "photos", None, 1, seed=1)
    solid = [item for item in items if item.group == "solid"]
    assert solid
    assert len(read_set(solid, ModelConfig(), 1)) < len(solid)


def test_the_card_says_where_a_model_comes_from(figures: Figures) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    from train_embedder.export import Exported
    from train_embedder.finish import card
    from train_embedder.photos import Packed
    from train_embedder.recipe import Recipe
    from train_embedder.run import Origin

    origin = Origin("start.pt", "c0ffee", ("harbour: CC0, as its page states.",))
    packed, exported = Packed({"harbour.tar": 900}, ["a", "b", "c"]), Exported("abc123", 4400000, 0.98, 0.95, 128)
    text = card(Recipe(first_block=0), origin, packed, exported, figures, tested_on="others")
    for fact in (
        "900 of harbour.tar",
        "3 files",
        "c0ffee",
        "CC0, as its page states",
        "abc123",
        "uAP",
        "whole network",
    ):
        assert fact in text
    assert "{{" not in text
